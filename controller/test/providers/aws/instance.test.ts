// The role of the node: asked for only where the operator says so; a silent metadata service is an outage.
import test, { type ExecutionContext } from 'ava';
import { startAws } from '../../helpers/servers/aws.ts';
import { startHttp } from '../../helpers/servers/plain-http.ts';
import { refusal } from '../shared/contract.ts';

const KEYS = {
	AccessKeyId: 'AKIANODE',
	SecretAccessKey: 'secret',
	Token: 'token',
	Expiration: new Date(4_000_000_000_000).toISOString(),
};

test.serial(
	'instance: only this setting asks the node, and only by its session-oriented protocol',
	async t => {
		const imds = await startHttp(t, (request, response) => {
			const path = request.url ?? '';
			const role = path.endsWith('/security-credentials/')
				? 'node-role'
				: JSON.stringify({ ...KEYS, Code: 'Success' });
			response.end(path === '/latest/api/token' ? 'imds-token' : role);
		});
		process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = imds.url;
		const { server, read } = await startAws(t, { config: { credentials: 'instance' } });
		server.put('prod/db', 'x');
		await read('prod/db');
		t.is(server.calls.at(-1)?.accessKeyId, 'AKIANODE');
		t.is(imds.requests[0]?.method, 'PUT');
		t.true(
			imds.requests.slice(1).every(({ headers }) => headers['x-aws-ec2-metadata-token'] === 'imds-token'),
		);
	},
);

/** A metadata service of the node. */
async function startMetadata(
	t: ExecutionContext,
	answers: Readonly<Record<string, string | number | undefined>>,
) {
	const imds = await startHttp(t, (request, response) => {
		const answer = answers[`${request.method} ${request.url}`];
		if (typeof answer === 'number') {
			response.writeHead(answer).end();
		} else if (answer !== undefined) {
			response.end(answer);
		}
	});
	process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = imds.url;
	return imds;
}

const SESSION = 'PUT /latest/api/token';
const ROLES = 'GET /latest/meta-data/iam/security-credentials/';

test.serial('instance: a node without a role is a matter of identity', async t => {
	await startMetadata(t, { [SESSION]: 'session', [ROLES]: 404 });
	const { read } = await startAws(t, { config: { credentials: 'instance' } });
	const error = await refusal(read('prod/db'));
	t.is(error.code, 'PROVIDER_AUTH');
	t.regex(error.message, /the node has no instance role/);
});

for (const [what, answers] of [
	['is silent', {}],
	['is silent about the role', { [SESSION]: 'session' }],
	['begins no session', { [SESSION]: 403 }],
	['fails', { [SESSION]: 500 }],
	['answers no JSON', { [SESSION]: 'session', [ROLES]: 'role', [`${ROLES}role`]: '<html>' }],
] as const) {
	test.serial(`instance: a metadata service that ${what} is an outage, and is asked again later`, async t => {
		const now: Record<string, string | number | undefined> = { ...answers };
		const imds = await startMetadata(t, now);
		const { server, read } = await startAws(t, { config: { credentials: 'instance' } });
		server.put('prod/db', 'x');
		const error = await refusal(read('prod/db'));
		t.is(error.code, 'PROVIDER_UNAVAILABLE');
		t.is(error.retry, 'fast');
		t.regex(error.message, /no usable answer from the node's metadata service: check .* hop limit/);
		const asked = imds.requests.length;
		Object.assign(now, {
			[SESSION]: 'session',
			[ROLES]: 'role',
			[`${ROLES}role`]: JSON.stringify({ ...KEYS, Code: 'Success' }),
		});
		t.is((await read('prod/db')).payload().toString(), 'x');
		t.true(imds.requests.length > asked);
	});
}
