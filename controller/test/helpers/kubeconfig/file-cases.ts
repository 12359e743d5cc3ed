// Several files, missing files and broken files: what kubectl 1.37 and the controller make of them.
import { bearer, type Case, type Place, REFERENCE } from './case.ts';

export function fileCases(place: Place): Case[] {
	const { server, config } = place;
	const clusters = [{ name: 'dev', cluster: place.cluster() }];
	const contexts = [{ name: 'dev', context: REFERENCE }];
	const users = (user: object) => [{ name: 'dev', user }];
	const current = { 'current-context': 'dev' };
	const file = (fields: object) => JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...fields });
	const whole = (token: string) => file({ ...current, clusters, contexts, users: users({ token }) });
	const cluster = `{server: "https://127.0.0.1:${server.port}", insecure-skip-tls-verify: yes}`;
	const yaml = (user: string) =>
		`apiVersion: v1\nkind: Config\ncurrent-context: dev\nclusters: [{name: dev, cluster: ${cluster}}]\n` +
		`users: [{name: dev, user: ${user}}]\ncontexts: [{name: dev, context: {cluster: dev, user: dev}}]\n`;
	return [
		{
			what: 'several files: of two entries of one name the first is taken, whole',
			files: {
				a: file({ clusters, contexts, users: users({ token: 'a' }) }),
				b: file({ ...current, users: users({ token: 'b', as: 'jane' }) }),
			},
			kubeconfig: ['a', 'b'],
			seen: bearer('a'),
		},
		{
			what: 'several files: an entry is not completed by one of the same name',
			files: {
				a: file({ clusters, contexts, users: users({ as: 'jane' }) }),
				b: file({ ...current, users: users({ token: 'b' }) }),
			},
			kubeconfig: ['a', 'b'],
			refused: /user "dev": it has no credentials/,
		},
		{
			what: 'several files: the first current-context is taken',
			files: { a: whole('a'), b: file({ 'current-context': 'other' }) },
			kubeconfig: ['a', 'b'],
			seen: bearer('a'),
		},
		{
			what: 'several files: paths are relative to the file that holds them',
			files: {
				'x/a': file({ ...current, clusters, contexts }),
				'y/b': file({ users: users({ tokenFile: 'tok' }) }),
				'y/tok': 'y',
			},
			kubeconfig: ['x/a', 'y/b'],
			seen: bearer('y'),
		},
		{
			what: 'several files: a missing one is skipped',
			files: { a: whole('a') },
			kubeconfig: ['none', 'a'],
			seen: bearer('a'),
		},
		{
			what: 'several files: an empty one is skipped',
			files: { e: '', a: whole('a') },
			kubeconfig: ['e', 'a'],
			seen: bearer('a'),
		},
		{
			what: 'several files: the same one may occur twice',
			files: { a: whole('a') },
			kubeconfig: ['a', 'a'],
			seen: bearer('a'),
		},
		{
			what: 'several files: a broken one is refused and named, without its text',
			files: { e: 'token: secret-token\n  : [', a: whole('a') },
			kubeconfig: ['e', 'a'],
			refused: /"\/.*\/e": is not valid YAML, see line 2$/,
		},
		{
			what: 'several files: it is refused if none exists',
			files: {},
			kubeconfig: ['none', 'other'],
			refused: /no such file exists$/,
		},
		{
			what: '--kubeconfig: a missing file is refused',
			files: {},
			flag: 'none',
			refused: /none": the file does not exist$/,
		},
		{ what: '--kubeconfig: a file is read', files: { a: whole('a') }, flag: 'a', seen: bearer('a') },
		{
			what: 'YAML 1.1 is read, with anchors and comments',
			files: { config: `${yaml('&u {token: tok}')}# end\n` },
			seen: bearer('tok'),
		},
		{
			what: 'a key that occurs twice in one mapping is refused',
			files: { config: yaml('{token: a, token: b}') },
			refused: /is not valid YAML, see line 5$/,
			kubectl: 'honours',
		},
		{
			what: 'a name that occurs twice in one file is refused',
			files: { config: config({ top: { users: [...users({ token: 'a' }), ...users({ token: 'b' })] } }) },
			refused: /users: the name "dev" occurs more than once$/,
		},
		{
			what: 'a field that does not exist at the top of a file or in a context has no effect',
			files: { config: config({ top: { metadata: {} }, context: { name: 'dev' } }) },
			seen: bearer('tok'),
		},
	];
}
