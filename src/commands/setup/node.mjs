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

// Asks zoho-cred for every request; a token that the API refuses is rejected, and the request sent once more.
// A body that is a stream can be sent only once: pass a string or a buffer.
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
