// Save this as zoho-fetch.mjs (Node 18 or later), then: node zoho-fetch.mjs
// fetch with a fresh Zoho token: await zohoFetch(url, options)
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';

function zohoCred(verb, profile, stdin = '') {
  return new Promise((resolve, reject) => {
    const child = spawn('zoho-cred', [verb, profile], { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (part) => (text += part));
    child.on('error', reject);
    child.on('close', (code) => (code ? reject(new Error(`zoho-cred ${verb}: exit code ${code}`)) : resolve(text.trim())));
    child.stdin.on('error', () => {}).end(stdin);
  });
}

// Gets a token for every request. If it is dead, reports that and sends the request once more. A missing scope or another
// organization is also a 401 at some products. Another token would not help then.
// A stream cannot be sent twice: pass a string or a buffer as the body.
export async function zohoFetch(url, options = {}, profile = '{profile}') {
  const send = (token) => {
    const headers = new Headers(options.headers);
    headers.set('Authorization', `Zoho-oauthtoken ${token}`);
    return fetch(url, { ...options, headers });
  };
  const token = await zohoCred('get', profile);
  const response = await send(token);
  if (response.status !== 401 || response.redirected) return response;
  if (/scope|org_mismatch/i.test(await response.clone().text())) return response;
  await zohoCred('reject', profile, token);
  const another = await zohoCred('get', profile);
  if (another === token) return response; // zoho-cred has checked that it is alive
  await response.body?.cancel();
  return send(another);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await (await zohoFetch('{url}')).text());
}
