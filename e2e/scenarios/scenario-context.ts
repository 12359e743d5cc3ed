// What every scenario works with: the environment, the installed controller, tenants, and the owner of the account.
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { Controller } from '../cluster/controller.ts';
import type { Images } from '../cluster/images.ts';
import { Node } from '../cluster/node.ts';
import type { TestEnvironment } from '../cluster/test-environment.ts';
import { until } from '../cluster/until.ts';
import type { Report } from '../report/report.ts';
import { Timeline } from '../report/timeline.ts';
import { Tenant } from '../users/tenant.ts';

/** The provider that annotations name. */
export const PROVIDER = 'aws-secretsmanager';

export class ScenarioContext {
	readonly environment: TestEnvironment;
	readonly report: Report;
	readonly images: Images;
	readonly node: Node;
	readonly controller: Controller;
	readonly timeline: Timeline;
	/** `namespace/name` of pods whose Secret should be there before the kubelet asks for it. */
	readonly punctual: string[] = [];

	constructor({
		environment,
		report,
		images,
	}: { environment: TestEnvironment; report: Report; images: Images }) {
		this.environment = environment;
		this.report = report;
		this.images = images;
		this.node = new Node(environment);
		this.controller = new Controller({ cluster: environment.cluster, node: this.node });
		this.timeline = new Timeline(environment.cluster);
	}

	tenant(name: string): Promise<Tenant> {
		return new Tenant({ cluster: this.environment.cluster, image: this.images.probe, name }).create();
	}

	/** Stores a value in Secrets Manager, as its owner: an object as JSON, a text as it is. */
	async store(path: string, value: object | string): Promise<void> {
		const SecretString = typeof value === 'string' ? value : JSON.stringify(value);
		const { secrets } = this.environment.account;
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
		const { roleArn } = await this.environment.stack.outputs();
		return String(roleArn).split('/').at(-1) ?? '';
	}

	/** The moment from which on calls to AWS are counted. */
	mark(): Promise<number> {
		return this.environment.gate.mark();
	}

	/** Reads of secrets since a mark, optionally of one path. */
	async reads(mark: number, path?: string): Promise<number> {
		const reads = await this.environment.gate.reads(mark);
		return reads.filter(({ facts }) => path === undefined || facts.SecretId === path).length;
	}
}

/** Rules for the tenants of a run, in addition to those of the manual. */
export const TENANT_RULES = [
	{ namespaces: ['e2e-*'], provider: PROVIDER, paths: ['/prod/**'] },
	{ namespaces: ['e2e-team-*'], provider: PROVIDER, paths: ['/teams/{namespace}/**'] },
] as const;

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
