// A recording engine: runs a Pulumi program under the real language runtime, without CLI, plugin or state.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// The runtime's own copies: messages of another copy of google-protobuf would not be recognised.
const runtime = createRequire(require.resolve('@pulumi/pulumi'));
const grpc = runtime('@grpc/grpc-js');
const empty = runtime('google-protobuf/google/protobuf/empty_pb.js');
const structs = runtime('google-protobuf/google/protobuf/struct_pb.js');
const monitor = require('@pulumi/pulumi/proto/resource_grpc_pb');
const messages = require('@pulumi/pulumi/proto/resource_pb');
const engine = require('@pulumi/pulumi/proto/engine_grpc_pb');
const engineMessages = require('@pulumi/pulumi/proto/engine_pb');

/** One resource that the program declared; inputs as they went over the wire, secrets still wrapped. */
export type Recorded = {
	readonly type: string;
	readonly name: string;
	readonly urn: string;
	readonly parent: string;
	readonly custom: boolean;
	/** Reference to an explicit Pulumi provider; empty where a default provider would serve. */
	readonly provider: string;
	readonly inputs: Record<string, unknown>;
};

/** What a run of the program left: its resources, its outputs, its messages, its exit code. */
export type Recording = {
	readonly resources: Recorded[];
	readonly outputs: Record<string, unknown>;
	readonly messages: string[];
	readonly exitCode: number | null;
};

export type RecordOptions = {
	/** Directory the program runs in. */
	readonly directory: string;
	/** File of the program in it, or `.` for the package's own entry. */
	readonly program: string;
	readonly project: string;
	readonly stack: string;
	/** Values by full key, such as `jasm:profile`. */
	readonly config: Record<string, string>;
	/** Full keys that were set with --secret. */
	readonly secretKeys?: readonly string[];
	readonly preview?: boolean;
	/** What the Pulumi provider of a resource would add to its inputs, such as an ARN. */
	readonly computed?: (type: string, name: string) => Record<string, unknown>;
	/** Added to the environment of the program. */
	readonly environment?: Record<string, string>;
	/** Answers of provider functions by token; others answer with their arguments. */
	readonly invoke?: (token: string, args: Record<string, unknown>) => Record<string, unknown>;
};

type Answer = (error: Error | null, message?: unknown) => void;

/** Runs the program once and answers what it declared. Fails only where the process cannot be started. */
export async function record(options: RecordOptions): Promise<Recording> {
	const resources: Recorded[] = [];
	const said: string[] = [];
	let outputs: Record<string, unknown> = {};
	let root = '';

	const disabled = JSON.parse(options.config['pulumi:disable-default-providers'] ?? '[]') as string[];
	/** As the real engine refuses it: a resource without an explicit provider, of a package without a default one. */
	const refusal = (type: string, urn: string, provider: string): Error | undefined => {
		const [name = ''] = type.split(':');
		if (provider !== '' || name === 'pulumi' || !(disabled.includes('*') || disabled.includes(name)))
			return undefined;
		const message = `Default provider for '${name}' disabled. '${urn}' must use an explicit provider.`;
		said.push(message);
		return Object.assign(new Error(message), { code: grpc.status.INVALID_ARGUMENT });
	};
	const object = (message: { toJavaScript(): Record<string, unknown> } | undefined) =>
		message?.toJavaScript() ?? {};
	// biome-ignore lint/suspicious/noExplicitAny: generated protobuf messages without types
	type Wire = { request: any };
	const services: Record<string, (call: Wire, answer: Answer) => void> = {
		supportsFeature: ({ request }, answer) => {
			const response = new messages.SupportsFeatureResponse();
			response.setHassupport(['secrets', 'resourceReferences'].includes(request.getId()));
			answer(null, response);
		},
		getDeploymentInfo: (_, answer) =>
			answer(Object.assign(new Error('not served'), { code: grpc.status.UNIMPLEMENTED })),
		registerResource: ({ request }, answer) => {
			const [type, name, custom] = [request.getType(), request.getName(), request.getCustom()];
			const urn = `urn:pulumi:${options.stack}::${options.project}::${type}::${name}`;
			const refused = custom ? refusal(type, urn, request.getProvider()) : undefined;
			if (refused !== undefined) return answer(refused);
			resources.push({
				type,
				name,
				urn,
				custom,
				parent: request.getParent(),
				provider: request.getProvider(),
				inputs: object(request.getObject()),
			});
			if (type === 'pulumi:pulumi:Stack') root = urn;
			const response = new messages.RegisterResourceResponse();
			response.setUrn(urn);
			if (custom && options.preview !== true) response.setId(`${name}-id`);
			const computed = options.preview === true ? {} : options.computed?.(type, name);
			const state = { ...object(request.getObject()), ...computed };
			response.setObject(structs.Struct.fromJavaScript(state));
			answer(null, response);
		},
		registerResourceOutputs: ({ request }, answer) => {
			if (request.getUrn() === root) outputs = object(request.getOutputs());
			answer(null, new empty.Empty());
		},
		registerPackage: (_, answer) => answer(null, new messages.RegisterPackageResponse()),
		registerStackTransform: (_, answer) => answer(null, new empty.Empty()),
		registerStackInvokeTransform: (_, answer) => answer(null, new empty.Empty()),
		registerResourceHook: (_, answer) => answer(null, new empty.Empty()),
		registerErrorHook: (_, answer) => answer(null, new empty.Empty()),
		signalAndWaitForShutdown: (_, answer) => answer(null, new empty.Empty()),
		readResource: ({ request }, answer) => {
			const urn = `urn:pulumi:${options.stack}::${options.project}::${request.getType()}::${request.getName()}`;
			const refused = refusal(request.getType(), urn, request.getProvider());
			if (refused !== undefined) return answer(refused);
			const response = new messages.ReadResourceResponse();
			response.setUrn(urn);
			response.setProperties(request.getProperties());
			answer(null, response);
		},
		invoke: ({ request }, answer) => {
			const refused = refusal(request.getTok(), request.getTok(), request.getProvider());
			if (refused !== undefined) return answer(refused);
			const args = object(request.getArgs());
			const response = new messages.ResourceInvokeResponse();
			response.setReturn(structs.Struct.fromJavaScript(options.invoke?.(request.getTok(), args) ?? args));
			answer(null, response);
		},
	};
	const engineServices: typeof services = {
		log: ({ request }, answer) => {
			said.push(request.getMessage());
			answer(null, new empty.Empty());
		},
		getRootResource: (_, answer) => {
			const response = new engineMessages.GetRootResourceResponse();
			response.setUrn(root);
			answer(null, response);
		},
		setRootResource: ({ request }, answer) => {
			root = request.getUrn();
			answer(null, new engineMessages.SetRootResourceResponse());
		},
		requirePulumiVersion: (_, answer) => answer(null, new engineMessages.RequirePulumiVersionResponse()),
	};
	const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
	server.addService(monitor.ResourceMonitorService, services);
	server.addService(engine.EngineService, engineServices);
	const port: number = await new Promise((resolve, reject) => {
		server.bindAsync(
			'127.0.0.1:0',
			grpc.ServerCredentials.createInsecure(),
			(error: Error | null, bound: number) => (error === null ? resolve(bound) : reject(error)),
		);
	});
	try {
		const exitCode = await run(options, `127.0.0.1:${port}`, said);
		return { resources, outputs, messages: said, exitCode };
	} finally {
		server.forceShutdown();
	}
}

function run(options: RecordOptions, address: string, said: string[]): Promise<number | null> {
	const child = spawn(
		process.execPath,
		[
			require.resolve('@pulumi/pulumi/cmd/run'),
			...['--monitor', address, '--engine', address],
			...['--project', options.project, '--stack', options.stack],
			...['--root-directory', options.directory, '--pwd', options.directory],
			...['--parallel', '16', ...(options.preview === true ? ['--dry-run'] : [])],
			options.program,
		],
		{
			stdio: ['ignore', 'pipe', 'pipe'],
			env: {
				...process.env,
				...options.environment,
				PULUMI_CONFIG: JSON.stringify(options.config),
				PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(options.secretKeys ?? []),
			},
		},
	);
	child.stdout.on('data', data => said.push(String(data)));
	child.stderr.on('data', data => said.push(String(data)));
	return new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('close', resolve);
	});
}
