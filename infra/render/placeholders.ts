// The values that a person must replace in rendered manifests, and the marks that show where; pure.
import { VERSION } from '../src/documents/contract.ts';

/** Placeholders while rendering: they have the form of real values, so that the program accepts them. */
export const STAND_INS = {
	region: 'eu-west-1',
	roleArn: 'arn:aws:iam::000000000000:role/jasm',
	image: `jasm-controller:${VERSION}`,
	/** A namespace in which workloads may be restarted. */
	listed: 'listed-namespace',
};

type Mark = {
	readonly line: RegExp;
	readonly replace: readonly [from: string, to: string];
	readonly edit: string;
};

const ROLE = ['::000000000000:role/', '::ACCOUNT:role/'] as const;

/** No placeholder is a valid value: an installation that was not edited fails at once, with a message that names it. */
const MARKS: readonly Mark[] = [
	{
		line: /^ +eks\.amazonaws\.com\/role-arn: /,
		replace: ROLE,
		edit: 'the role that JASM takes in AWS',
	},
	{ line: /^ +value: arn:aws:iam::/, replace: ROLE, edit: 'the same role' },
	{ line: /^ +value: eu-west-1$/, replace: ['eu-west-1', 'REGION'], edit: 'the AWS region of your secrets' },
	{
		line: /^ +image: jasm-controller:/,
		replace: ['jasm-controller:', 'REGISTRY/jasm-controller:'],
		edit: 'where you pushed the image',
	},
];

/** Stands in the configuration, where nothing is allowed before a person writes a rule. */
const EXAMPLE = [
	'# EDIT: who may read what. Without a rule, JASM reads nothing. For example:',
	'#   - namespaces: [team-a]',
	'#     provider: aws-secretsmanager',
	'#     paths: ["/prod/{namespace}/**"]',
];

/** Puts placeholders and marks into rendered YAML. */
export function marked(yaml: string): string {
	return yaml
		.split('\n')
		.flatMap(line => {
			const [indent = ''] = /^ */.exec(line) ?? [];
			if (/^ +policy: \[\]$/.test(line)) return [...EXAMPLE.map(text => indent + text), line];
			const mark = MARKS.find(each => each.line.test(line));
			return [mark === undefined ? line : `${line.replace(...mark.replace)} # EDIT: ${mark.edit}`];
		})
		.join('\n');
}

/** Puts the placeholder for a listed namespace, and its mark, into rendered YAML. */
export const markedNamespace = (yaml: string): string =>
	yaml.replaceAll(
		new RegExp(`^( +namespace: )${STAND_INS.listed}$`, 'gm'),
		'$1NAMESPACE # EDIT: a namespace whose workloads JASM may restart',
	);
