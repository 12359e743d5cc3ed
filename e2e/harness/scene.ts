// What every scenario is played on: the stage, the installed controller, tenants, and the owner of the account.
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { Controller } from './controller.ts';
import type { Images } from './images.ts';
import { ACCOUNT, REGION } from './moto.ts';
import { Node } from './node.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';
import { Tenant } from './tenant.ts';
import { Timeline } from './timeline.ts';
import { until } from './until.ts';

/** The provider that annotations name. */
export const PROVIDER = 'aws-secretsmanager';

export class Scene {
	readonly stage: Stage;
	readonly report: Report;
	readonly images: Images;
	readonly node: Node;
	readonly controller: Controller;
	readonly timeline: Timeline;
	/** `namespace/name` of pods whose Secret should be there before the kubelet asks for it. */
	readonly punctual: string[] = [];

	constructor({ stage, report, images }: { stage: Stage; report: Report; images: Images }) {
		this.stage = stage;
		this.report = report;
		this.images = images;
		this.node = new Node(stage);
		this.controller = new Controller({ cluster: stage.cluster, node: this.node });
		this.timeline = new Timeline(stage.cluster);
	}

	tenant(name: string): Promise<Tenant> {
		return new Tenant({ cluster: this.stage.cluster, image: this.images.probe, name }).create();
	}

	/** Stores a value in Secrets Manager, as its owner: an object as JSON, a text as it is. */
	async store(path: string, value: object | string): Promise<void> {
		const SecretString = typeof value === 'string' ? value : JSON.stringify(value);
		const { secrets } = this.stage.account;
		try {
			await secrets.send(new CreateSecretCommand({ Name: path, SecretString }));
		} catch (error) {
			if ((error as Error).name !== 'ResourceExistsException') throw error;
			await secrets.send(new PutSecretValueCommand({ SecretId: path, SecretString }));
		}
	}

	/** Waits until a tenant's Secret holds exactly these values. */
	async holds(
		tenant: Tenant,
		name: string,
		values: Record<string, string>,
		timeoutMs = 30_000,
	): Promise<void> {
		await until(
			`Secret ${tenant.key(name)} to hold ${Object.keys(values).sort().join(', ')}`,
			async () => {
				const live = await tenant.secret(name);
				return live !== undefined && same(live, values);
			},
			{ timeoutMs },
		);
	}

	/** Name of the role that the stack made for the controller. */
	async role(): Promise<string> {
		const { roleArn } = await this.stage.stack.outputs();
		return String(roleArn).split('/').at(-1) ?? '';
	}

	/** The moment from which on calls to AWS are counted. */
	mark(): Promise<number> {
		return this.stage.gate.mark();
	}

	/** Reads of secrets since a mark, optionally of one path. */
	async reads(mark: number, path?: string): Promise<number> {
		const reads = await this.stage.gate.reads(mark);
		return reads.filter(({ facts }) => path === undefined || facts.SecretId === path).length;
	}

	/** The stack's configuration for this account, gate and these tenants. */
	static config(host: string, gatePort: number, image: string): Record<string, unknown> {
		const endpoint = `http://${host}:${gatePort}`;
		return {
			awsAccountId: ACCOUNT,
			awsRegion: REGION,
			image,
			providers: { [PROVIDER]: { kind: PROVIDER, region: REGION, endpoint, stsEndpoint: endpoint } },
			policy: [
				{ namespaces: ['jasm-sample'], provider: PROVIDER, paths: ['/prod/codnod/**'] },
				{ namespaces: ['e2e-*'], provider: PROVIDER, paths: ['/prod/**'] },
				{ namespaces: ['e2e-team-*'], provider: PROVIDER, paths: ['/teams/{namespace}/**'] },
			],
		};
	}
}

/** Throws unless the two are equal; says which names differ, never their values. */
export function expectSame(what: string, seen: Record<string, string>, wanted: Record<string, string>): void {
	if (same(seen, wanted)) return;
	const names = [...new Set([...Object.keys(seen), ...Object.keys(wanted)])];
	const odd = names.filter(name => seen[name] !== wanted[name]);
	throw new Error(`${what} differs in ${odd.join(', ')}`);
}

/** Throws with the text unless the condition holds. */
export function expect(condition: unknown, otherwise: string): asserts condition {
	if (!condition) throw new Error(otherwise);
}

function same(a: Record<string, string>, b: Record<string, string>): boolean {
	const names = Object.keys(a);
	return names.length === Object.keys(b).length && names.every(name => a[name] === b[name]);
}
