-- A unit is exposed when it visits the experiment's surface while units are enrolled. A client writes
-- one row a process, so a unit may have several: here the first two visits.
CREATE TABLE exposures AS
WITH seen AS (
  SELECT a.n, a.served, v.visited_at,
    row_number() OVER (PARTITION BY a.n, a.served ORDER BY v.visited_at) AS nth
  FROM assignments AS a
  JOIN visits AS v ON v.n = a.n AND v.visited_at >= a.starts AND v.visited_at < a.ends
  WHERE draw('surface', a.n, v.d) < 0.8
)
SELECT u.user_id, s.served, s.visited_at AS exposed_at, u.platform, u.country
FROM seen AS s JOIN users AS u ON u.n = s.n
WHERE s.nth <= 2
  -- The fault to be found: the web loses one in seven units that were to see suggestions.
  AND NOT (s.served = 'search-autocomplete.popular' AND u.platform = 'web' AND draw('lost', s.n, 0) < 0.15);

-- A few people share a computer, and are seen in both arms.
INSERT INTO exposures
SELECT user_id, replace(served, '.bold', '.plain'), exposed_at + INTERVAL 1 HOUR, platform, country
FROM exposures
WHERE served = 'bold-checkout-button.bold' AND hash(user_id, $seed) % 12000 = 0;

-- When each user was first exposed to the treatments that do something.
CREATE TEMP TABLE treated AS
SELECT u.n,
  min(e.exposed_at) FILTER (e.served = 'bold-checkout-button.bold') AS bold,
  min(e.exposed_at) FILTER (e.served = 'one-page-checkout.one-page') AS one_page,
  min(e.exposed_at) FILTER (e.served = 'home-recommendations.recommended') AS recommended
FROM exposures AS e JOIN users AS u USING (user_id)
GROUP BY u.n;

CREATE TEMP TABLE journeys AS
SELECT v.n, v.d, v.visited_at, u.user_id, u.wallet, u.device,
  coalesce(v.visited_at >= t.bold, false) AS bold,
  coalesce(v.visited_at >= t.one_page, false) AS one_page,
  coalesce(v.visited_at >= t.recommended, false) AS recommended
FROM visits AS v JOIN users AS u USING (n) LEFT JOIN treated AS t USING (n);
