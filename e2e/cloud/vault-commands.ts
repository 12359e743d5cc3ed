// The commands of `vault` that the manual uses, for a machine whose `vault` is a server only: each is one HTTP request.
//
// As in Vault's own command line: `write` is a PUT of its fields, `kv put` writes `data` below the mount, `@FILE` is the
// content of a file, `-` is standard input. VAULT_ADDR and VAULT_TOKEN say where and as whom. Nothing else is known.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const [command = '', ...rest] = process.argv.slice(2);
const flags = new Map(
	rest
		.filter(word => /^-\w/.test(word))
		.map(word => word.replace(/^-/, '').split(/=(.*)/s) as [string, string]),
);
const words = rest.filter(word => !/^-\w/.test(word));

if (command === 'server') serve();
else await perform();

/** A development server: unsealed, with KV version 2 at `secret`. It ends with this process. */
function serve(): void {
	const listen = flags.get('dev-listen-address') ?? '127.0.0.1:8200';
	const token = flags.get('dev-root-token-id') ?? 'root';
	const options = ['-address', listen, '-root-token', token];
	const server = spawn(process.env['VAULT_SERVER'] ?? 'vault', options, { stdio: 'inherit' });
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill(signal));
	server.once('exit', code => process.exit(code ?? 1));
	const address = `http://127.0.0.1:${listen.split(':').at(-1)}`;
	const mount = async (): Promise<void> => {
		try {
			await request(address, token, 'POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
		} catch {
			// Not listening yet.
			setTimeout(() => void mount(), 200);
		}
	};
	void mount();
}

async function perform(): Promise<void> {
	const [verb = '', name = '', source = ''] = words;
	const send = (method: string, path: string, body: object) =>
		request(process.env['VAULT_ADDR'] ?? '', process.env['VAULT_TOKEN'] ?? '', method, path, body);
	if (command === 'write') return send('PUT', verb, fields(words.slice(1)));
	if (command === 'kv' && verb === 'put')
		return send('POST', `${flags.get('mount')}/data/${name}`, { data: fields(words.slice(2)) });
	if (command === 'auth' && verb === 'enable') return send('POST', `sys/auth/${name}`, { type: name });
	if (command === 'policy' && verb === 'write')
		return send('PUT', `sys/policies/acl/${name}`, {
			policy: readFileSync(source === '-' ? 0 : source, 'utf8'),
		});
	throw new Error(`vault ${process.argv.slice(2, 4).join(' ')}: not among the commands that the manual uses`);
}

function fields(pairs: readonly string[]): Record<string, string> {
	return Object.fromEntries(
		pairs.map(pair => {
			const [key = '', value = ''] = pair.split(/=(.*)/s);
			return [key, value.startsWith('@') ? readFileSync(value.slice(1), 'utf8') : value];
		}),
	);
}

async function request(
	address: string,
	token: string,
	method: string,
	path: string,
	body: object,
): Promise<void> {
	const answer = await fetch(`${address}/v1/${path}`, {
		method,
		headers: { 'x-vault-token': token },
		body: JSON.stringify(body),
	});
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text.trim()}`);
	process.stdout.write(`Success! ${method} ${path}\n`);
}
