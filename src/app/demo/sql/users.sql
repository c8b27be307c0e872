-- Every number below comes from this: a hash of the seed, a purpose, a user and a day, in [0, 1).
-- Hashed twice, because the engine's combination of several hashes leaves neighbours correlated.
CREATE TEMP MACRO draw(purpose, n, d) AS hash(hash($seed, purpose, n, d))::DOUBLE / 18446744073709551616.0;

CREATE TEMP TABLE users AS
SELECT
  n::INTEGER AS n,
  printf('user-%06d', n) AS user_id,
  CASE WHEN draw('country', n, 0) < 0.30 THEN 'SE'
       WHEN draw('country', n, 0) < 0.45 THEN 'FI'
       WHEN draw('country', n, 0) < 0.60 THEN 'DK'
       ELSE 'US' END AS country,
  CASE WHEN draw('platform', n, 0) < 0.35 THEN 'ios'
       WHEN draw('platform', n, 0) < 0.70 THEN 'android'
       ELSE 'web' END AS platform,
  CASE WHEN draw('platform', n, 0) < 0.70
       THEN printf('%d.%d.0', 7 + floor(draw('major', n, 0) * 2.4)::INTEGER, floor(draw('minor', n, 0) * 12)::INTEGER)
  END AS app_version,
  floor(1200 * draw('age', n, 0) ** 2)::INTEGER AS age_days,
  CASE WHEN draw('login', n, 0) < 0.004 THEN printf('user-%06d@acme.test', n) END AS email,
  draw('employee', n, 0) < 0.002 AS employee,
  draw('activity', n, 0) AS activity,   -- how often the user comes
  draw('wallet', n, 0) AS wallet,       -- how easily the user buys
  draw('device', n, 0) AS device        -- how slow the user's device is
FROM range($users) AS t(n);
