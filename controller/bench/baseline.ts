// The floor: the least that watches pods, fetches a secret and writes it, on plain node:https, with no rule kept.
//
// No policy, no validation, no retry, no reconnect, no election, no events, no metrics, no signature: what a
// controller costs beyond this is the price of being one.
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as http, type IncomingMessage } from 'node:http';
import { Agent, request as https } from 'node:https';

const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT, BENCH_SERVICE_ACCOUNT, BENCH_PROVIDER } =
	process.env;
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const api = {
	host: KUBERNETES_SERVICE_HOST,
	port: KUBERNETES_SERVICE_PORT,
	ca: readFileSync(`${BENCH_SERVICE_ACCOUNT}/ca.crt`),
	headers: {
		authorization: `Bearer ${readFileSync(`${BENCH_SERVICE_ACCOUNT}/token`, 'utf8')}`,
		accept: METADATA,
		'content-type': 'application/json',
	},
};
const writes = new Agent({ keepAlive: true, maxSockets: 32 });
const reads = new HttpAgent({ keepAlive: true, maxSockets: 32 });
const signature = 'AWS4-HMAC-SHA256 Credential=AKIA/20260102/eu-west-1/secretsmanager/aws4_request';
const seen = new Set<string>();

async function textOf(response: IncomingMessage): Promise<string> {
	let text = '';
	for await (const chunk of response.setEncoding('utf8')) {
		text += chunk;
	}

	return text;
}

const answer = (send: typeof http, options: object, body: string): Promise<IncomingMessage> =>
	new Promise((resolve, reject) => send(options, resolve).once('error', reject).end(body));

async function sync(namespace: string, annotation: string): Promise<void> {
	const path = /^path: (.*)$/m.exec(annotation)?.[1];
	const name = /^secretName: (.*)$/m.exec(annotation)?.[1];
	const { hostname, port } = new URL(BENCH_PROVIDER!);
	const headers = { 'x-amz-target': 'secretsmanager.GetSecretValue', authorization: signature };
	const found = await answer(
		http,
		{ method: 'POST', hostname, port, agent: reads, headers },
		JSON.stringify({ SecretId: path }),
	);
	const source = JSON.parse(JSON.parse(await textOf(found)).SecretString) as Record<string, string>;
	const data = Object.fromEntries(Object.entries(source).map(([key, value]) => [key, btoa(value)]));
	const labels = { 'app.kubernetes.io/managed-by': 'jasm' };
	const secret = JSON.stringify({
		apiVersion: 'v1',
		kind: 'Secret',
		metadata: { name, labels },
		type: 'Opaque',
		data,
	});
	const secrets = `/api/v1/namespaces/${namespace}/secrets`;
	const created = await answer(https, { ...api, agent: writes, method: 'POST', path: secrets }, secret);
	await textOf(created);
	if (created.statusCode === 409) {
		const path = `${secrets}/${name}`;
		await textOf(await answer(https, { ...api, agent: writes, method: 'PUT', path }, secret));
	}
}

function take(line: string): void {
	const { type, object } = JSON.parse(line);
	const { uid, namespace, annotations } = object.metadata;
	if (type === 'BOOKMARK' && annotations?.['k8s.io/initial-events-end'] === 'true') {
		process.stdout.write('{"message":"synced"}\n');
	}

	const annotation = annotations?.['jasm.codnod.io/secret-sync'];
	if (annotation !== undefined && !seen.has(uid)) {
		seen.add(uid);
		void sync(namespace, annotation);
	}
}

process.stdout.write('{"message":"starting"}\n');
const query = 'watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
https({ ...api, agent: false, path: `/api/v1/pods?${query}` }, response => {
	let rest = '';
	response.setEncoding('utf8').on('data', chunk => {
		const lines = (rest + chunk).split('\n');
		rest = lines.pop()!;
		lines.forEach(take);
	});
}).end();
process.on('SIGTERM', () => process.exit(0));
