// Secrets as writers meet them, and an embedded API server for either profile's writer.
import type { ExecutionContext } from 'ava';
import type { SecretManifest } from '../../src/kubernetes/types.ts';
import { type LiveSecret, selfHealWriter, writeOnlyWriter } from '../../src/sync/secret-writer.ts';
import type { ApiServer } from '../../testing/index.ts';
import { apiServer, wired } from '../helpers/watches/wired.ts';

const { signal } = new AbortController();
export const first = { likelyExists: false, signal };
export const again = { likelyExists: true, signal };
export const OURS = { 'app.kubernetes.io/managed-by': 'jasm' };

export const secret = (overrides: Partial<SecretManifest> = {}): SecretManifest => ({
	namespace: 'default',
	name: 'db',
	type: 'Opaque',
	labels: { ...OURS, 'jasm.codnod.io/provider': 'vault' },
	annotations: { 'jasm.codnod.io/source-version': '2' },
	data: { password: 'aHVudGVyMg==' },
	...overrides,
});

export const foreign = (server: ApiServer, metadata: object = {}) =>
	server.create({
		kind: 'Secret',
		metadata: { name: 'db', namespace: 'default', ...metadata },
		data: { theirs: 'eA==' },
	} as never);

export const verbs = (server: ApiServer) =>
	server.requests.filter({ resource: 'secrets' }).map(({ verb, status }) => `${verb} ${status}`);

export async function writeOnly(t: ExecutionContext) {
	const server = await apiServer(t);
	return { server, writer: writeOnlyWriter(wired(t, server).client) };
}

export async function selfHeal(
	t: ExecutionContext,
	live: (key: string) => LiveSecret | undefined = () => undefined,
) {
	const server = await apiServer(t);
	return { server, writer: selfHealWriter(wired(t, server).client, live) };
}

export const stored = (server: ApiServer) => server.get('Secret', 'default', 'db');
export const liveOf = (server: ApiServer) => stored(server).metadata as LiveSecret;
