-- At most one visit a user and a day, over six weeks: two before the first experiment, four since.
CREATE TEMP TABLE visits AS
SELECT
  n, d::INTEGER AS d,
  TIMESTAMP '2026-10-18 23:00:00' + INTERVAL (d) DAY
    + INTERVAL (floor(draw('second', n, d) * 86000)::INTEGER) SECOND AS visited_at
FROM users, range(43) AS days(d)
WHERE draw('visit', n, d) < 0.06 + 0.62 * activity * activity;
