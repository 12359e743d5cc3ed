// Every field of a kubeconfig is honoured as kubectl 1.37 honours it, or refused by name; JASM_TEST_KUBECTL compares.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { loadKubeconfig } from '../../../src/kubernetes/auth/kubeconfig.ts';
import { CLUSTER, CONTEXT, EXEC, FILE, USER } from '../../../src/kubernetes/auth/kubeconfig-fields.ts';
import { KubernetesError } from '../../../src/kubernetes/errors.ts';
import { ConnectionPool } from '../../../src/kubernetes/http/connection-pool.ts';
import { createRest } from '../../../src/kubernetes/http/rest.ts';
import { createWatchTransport } from '../../../src/kubernetes/watch/transport.ts';
import { systemClock as clock } from '../../../src/runtime/clock.ts';
import { folder } from '../../helpers/environment/folder.ts';
import { type Case, placeOf } from '../../helpers/kubeconfig/case.ts';
import { clusterCases } from '../../helpers/kubeconfig/cluster-cases.ts';
import { execCases } from '../../helpers/kubeconfig/exec-cases.ts';
import { fileCases } from '../../helpers/kubeconfig/file-cases.ts';
import { startRecordingServer } from '../../helpers/kubeconfig/recording-server.ts';
import { userCases } from '../../helpers/kubeconfig/user-cases.ts';

const server = await startRecordingServer();
test.after.always(() => server.close());
const place = placeOf(server);
const cases = [...clusterCases(place), ...userCases(place), ...execCases(place), ...fileCases(place)];
const kubectl = process.env['JASM_TEST_KUBECTL'];

/** Writes the files; returns those of the kubeconfig. */
function written(t: ExecutionContext, { files, kubeconfig = ['config'], flag }: Case) {
	const { path, write } = folder(t);
	for (const [name, text] of Object.entries(files)) write(name, text);
	return { path, files: (flag === undefined ? kubeconfig : [flag]).map(name => join(path, name)) };
}

/** One unary request and one stream, as the controller sends them. */
async function connect(t: ExecutionContext, row: Case): Promise<void> {
	const { files } = written(t, row);
	const cluster = await loadKubeconfig({ files, mustExist: row.flag !== undefined, clock, env: process.env });
	const pool = new ConnectionPool({ cluster, clock, random: () => 0.5 });
	t.teardown(() => pool.close());
	const rest = createRest({ pool, cluster, clock, random: () => 0.5, userAgent: 'jasm/0' });
	await rest.request({ verb: 'get', resource: 'versions', doing: 'asking', path: '/version' });
	const transport = createWatchTransport({ cluster, clock, userAgent: 'jasm/0' });
	await new Promise<void>((resolve, reject) => {
		transport.open(
			{ path: '/version', accept: 'application/json' },
			{
				onHeaders: () => {},
				onChunk: () => {},
				onEnd: error => (error === undefined ? resolve() : reject(error)),
			},
			new AbortController().signal,
		);
	});
}

for (const row of cases) {
	test.serial(`${row.what}`, async t => {
		server.take();
		if (row.refused === undefined) {
			await connect(t, row);
			const seen = { path: '/version', ...row.seen };
			t.deepEqual(server.take(), [seen, seen]);
			return;
		}
		const error = await t.throwsAsync<KubernetesError>(connect(t, row), { instanceOf: KubernetesError });
		t.regex([error.message, error.details['error']].filter(Boolean).at(-1) as string, row.refused);
		t.deepEqual(server.take(), []);
		t.notRegex(JSON.stringify([error.message, error.details, error.cause ?? '']), /secret-token|BEGIN/);
	});
}

if (kubectl) {
	for (const row of cases) {
		test.serial(`kubectl: ${row.what}`, async t => {
			server.take();
			const { path, files } = written(t, row);
			const flag = row.flag === undefined ? [] : ['--kubeconfig', files[0]!];
			const ran = promisify(execFile)(kubectl, ['get', '--raw', '/version', ...flag], {
				cwd: path,
				env: { PATH: process.env['PATH'], HOME: path, KUBECONFIG: files.join(':') },
			});
			// Without credentials kubectl asks for a name.
			ran.child.stdin?.end();
			if (row.refused === undefined) {
				await t.notThrowsAsync(ran);
				t.deepEqual(server.take(), [{ path: '/version', ...row.seen }]);
				return;
			}
			if (row.kubectl === 'honours') {
				await t.notThrowsAsync(ran);
				return;
			}
			await t.throwsAsync(ran);
			t.deepEqual(server.take(), []);
		});
	}
}

test('the table has a row for every field of a kubeconfig', t => {
	const fields = [CLUSTER, USER, CONTEXT, EXEC, FILE].flatMap(table => Object.keys(table));
	const titles = cases.map(({ what }) => what).join('\n');
	const implied = ['server', 'clusters', 'users', 'contexts', 'cluster', 'user', 'exec'];
	t.deepEqual(
		fields.filter(field => !implied.includes(field) && !titles.includes(field)),
		[],
	);
});
