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

// Gets a token for every request. If the API refuses it, reports it and sends the request once more.
// A stream cannot be sent twice: pass a string or a buffer as the body.
export async function zohoFetch(url, options = {}, profile = '{profile}') {
  const send = async () => {
    const headers = new Headers(options.headers);
    headers.set('Authorization', `Zoho-oauthtoken ${await zohoCred('get', profile)}`);
    return [await fetch(url, { ...options, headers }), headers.get('Authorization')];
  };
  const [response, header] = await send();
  if (response.status !== 401 || response.redirected) return response;
  await response.body?.cancel();
  await zohoCred('reject', profile, header);
  return (await send())[0];
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await (await zohoFetch('{api_domain}/crm/v8/org')).text());
}
