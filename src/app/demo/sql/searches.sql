CREATE TABLE searches AS
SELECT
  user_id,
  visited_at + INTERVAL 20 SECOND AS searched_at,
  CASE WHEN draw('empty', n, d) < 0.12 THEN 0 ELSE 1 + floor(draw('results', n, d) * 60)::INTEGER END AS results,
  draw('empty', n, d) >= 0.12 AND draw('opened', n, d) < 0.55 AS opened
FROM journeys
WHERE draw('search', n, d) < 0.40;
