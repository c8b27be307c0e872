CREATE TABLE page_views AS
SELECT
  user_id,
  visited_at + INTERVAL (nth * 40) SECOND AS viewed_at,
  (visited_at + INTERVAL (nth * 40) SECOND)::DATE AS viewed_on,
  CASE WHEN draw('crash', n, d * 3 + nth) < 0.0035 THEN 'crash'
       WHEN nth = 0 THEN 'home'
       WHEN draw('page', n, d * 3 + nth) < 0.25 THEN 'checkout'
       ELSE 'product' END AS page,
  printf('product-%03d', floor(draw('product', n, d * 3 + nth) * 400)::INTEGER) AS product,
  CASE WHEN draw('slow', n, d * 3 + nth) < (0.04 + 0.16 * device) * if(one_page, $slower, 1)
       THEN 3001 + floor(draw('load', n, d * 3 + nth) * 4000)::INTEGER
       ELSE 200 + floor(draw('load', n, d * 3 + nth) * 2800)::INTEGER END AS load_ms
FROM journeys, range(3) AS views(nth)
WHERE nth = 0 OR draw('view', n, d * 3 + nth) < 0.30;
