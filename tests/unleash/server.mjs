// Starts an Unleash server on loopback, and prints a personal access token: imports take no other.
//
//   node server.mjs DATABASE PORT
import { start } from 'unleash-server';

// The server writes down that a flag was made after it has answered, and ends where the flag is gone by then.
process.on('unhandledRejection', (error) => console.error(`not handled: ${error}`));

const [databaseUrl, port] = process.argv.slice(2);
await start({
  databaseUrl,
  db: { ssl: false },
  server: { port: Number(port), host: '127.0.0.1' },
  logLevel: 'error',
  telemetry: false,
  versionCheck: { enable: false },
});
const base = `http://127.0.0.1:${port}`;
const post = async (path, body, headers = {}) => {
  const answer = await fetch(base + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
};
// The user and the password of every new server.
const login = await post('/auth/simple/login', { username: 'admin', password: 'unleash4all' });
const cookie = login.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
const made = await post('/api/admin/user/tokens', { description: 'tests', expiresAt }, { cookie });
console.log(`token ${(await made.json()).secret}`);
