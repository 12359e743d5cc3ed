// Speaks Pulumi's provider protocol: requests of the engine in, calls of our AWS provider out.
import { createRequire } from 'node:module';
import type { AwsProvider, State, Subject } from './provider.ts';
import type { Properties } from './resource-kind.ts';

// The provider SDK of @pulumi/pulumi hides the provider's own arguments and the old inputs, so this is its protocol
// one layer below. The runtime's own copies: messages of another copy of google-protobuf are not recognised.
const require = createRequire(import.meta.url);
const runtime = createRequire(require.resolve('@pulumi/pulumi'));
const grpc = runtime('@grpc/grpc-js');
const { Empty } = runtime('google-protobuf/google/protobuf/empty_pb.js');
const { Struct } = runtime('google-protobuf/google/protobuf/struct_pb.js');
const { ResourceProviderService } = require('@pulumi/pulumi/proto/provider_grpc_pb');
const messages = require('@pulumi/pulumi/proto/provider_pb');
const plugin = require('@pulumi/pulumi/proto/plugin_pb');

// biome-ignore lint/suspicious/noExplicitAny: generated protobuf messages without types
type Message = any;
type Serve = (request: Message) => Message | Promise<Message>;

const CHANGES = { NONE: 1, SOME: 2 };

/** Serves the provider on a free port of the loopback device; returns the port. */
export async function serve(provider: AwsProvider): Promise<number> {
	const services: Record<string, Serve> = {
		handshake: unimplemented,
		parameterize: unimplemented,
		construct: unimplemented,
		call: unimplemented,
		getMapping: unimplemented,
		getMappings: unimplemented,
		diffConfig: unimplemented,
		getSchema: () => new messages.GetSchemaResponse().setSchema('{}'),
		attach: () => new Empty(),
		cancel: () => new Empty(),
		getPluginInfo: () => new plugin.PluginInfo().setVersion('7.48.0'),
		checkConfig: request => new messages.CheckResponse().setInputs(request.getNews()),
		async configure(request) {
			await provider.configure(providerArguments(properties(request.getArgs())));
			return new messages.ConfigureResponse();
		},
		async invoke(request) {
			const answer = await provider.invoke(request.getTok(), properties(request.getArgs()));
			return new messages.InvokeResponse().setReturn(Struct.fromJavaScript(answer));
		},
		check(request) {
			const { inputs, faults } = provider.check(
				subject(request),
				properties(request.getNews()),
				properties(request.getOlds()),
			);
			return new messages.CheckResponse().setInputs(Struct.fromJavaScript(inputs)).setFailuresList(
				faults.map(fault => {
					const [property = '', ...reason] = fault.split(': ');
					return new messages.CheckFailure().setProperty(property).setReason(reason.join(': '));
				}),
			);
		},
		diff(request) {
			const { changed, replaces } = provider.diff(
				subject(request),
				properties(request.getOldInputs()),
				properties(request.getNews()),
			);
			return new messages.DiffResponse()
				.setChanges(changed.length > 0 ? CHANGES.SOME : CHANGES.NONE)
				.setDiffsList([...changed])
				.setReplacesList([...replaces])
				.setDeletebeforereplace(!subject(request).type.endsWith(':SecretVersion'));
		},
		async create(request) {
			const state = await provider.create(subject(request), properties(request.getProperties()));
			return new messages.CreateResponse()
				.setId(state.id)
				.setProperties(Struct.fromJavaScript(state.outputs));
		},
		async read(request) {
			const inputs = properties(request.getInputs());
			return readResponse(await provider.read(subject(request), request.getId(), inputs));
		},
		async update(request) {
			const news = properties(request.getNews());
			const { outputs } = await provider.update(subject(request), request.getId(), news);
			return new messages.UpdateResponse().setProperties(Struct.fromJavaScript(outputs));
		},
		async delete(request) {
			const old = properties(request.getOldInputs?.() ?? request.getProperties());
			await provider.delete(subject(request), request.getId(), old);
			return new Empty();
		},
	};
	const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
	server.addService(
		ResourceProviderService,
		Object.fromEntries(Object.entries(services).map(([name, serve]) => [name, unary(serve)])),
	);
	return new Promise((resolve, reject) => {
		server.bindAsync(
			'127.0.0.1:0',
			grpc.ServerCredentials.createInsecure(),
			(error: unknown, port: number) => (error === null ? resolve(port) : reject(error)),
		);
	});
}

function unary(serve: Serve) {
	return async (call: { request: Message }, answer: (error: unknown, message?: Message) => void) => {
		try {
			answer(null, await serve(call.request));
		} catch (error) {
			const { message, code } = error as { message: string; code?: unknown };
			answer({ code: typeof code === 'number' ? code : grpc.status.UNKNOWN, details: message });
		}
	};
}

function unimplemented(): never {
	throw Object.assign(new Error('not served'), { code: grpc.status.UNIMPLEMENTED });
}

function subject(request: Message): Subject {
	const [, , path = '', name = ''] = String(request.getUrn()).split('::');
	return { type: path.split('$').at(-1) ?? '', name };
}

function properties(struct: Message): Properties {
	return struct?.toJavaScript() ?? {};
}

// All arguments of a provider resource are strings on the wire: JSON where they are not text.
function providerArguments(args: Properties): Properties {
	return Object.fromEntries(
		Object.entries(args).map(([name, value]) => {
			const json = typeof value === 'string' && /^[[{]|^(true|false)$/.test(value);
			return [name, json ? JSON.parse(value) : value];
		}),
	);
}

function readResponse(state: State | undefined): Message {
	const response = new messages.ReadResponse();
	if (state === undefined) return response;
	return response
		.setId(state.id)
		.setProperties(Struct.fromJavaScript(state.outputs))
		.setInputs(Struct.fromJavaScript(state.inputs));
}
