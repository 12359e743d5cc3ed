// Between pods and the AWS emulator: authorizes every call as AWS would, records it, and fails on demand.
import {
	createServer,
	request as forward,
	type IncomingMessage,
	type Server,
	type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type AwsCall, type AwsRequest, awsCall, webIdentityToken } from './aws-call.ts';
import { evaluate, type Verdict } from './policy-evaluation.ts';
import { AccountRegistry } from './registry.ts';
import { checkWebIdentity } from './web-identity.ts';

/** A call and what became of it; holds no value of a secret. */
export type RecordedCall = AwsCall & {
	/** Milliseconds since the epoch. */
	readonly at: number;
	/** ARN of the role whose session asked. */
	readonly role: string | undefined;
	/** ARN by which the call was authorized. */
	readonly resource: string | undefined;
	/** `unsigned`: without credentials. `refused`: a bad or ended session, a bad token. `failed`: by an injected fault. */
	readonly verdict: Verdict | 'unsigned' | 'refused' | 'failed';
	/** HTTP status of the answer; 0 where there was none. */
	readonly status: number;
	readonly tookMs: number;
};

/** How AWS fails: `silent` never answers, `closed` drops each connection, a number answers that HTTP status. */
export type Fault = 'silent' | 'closed' | number;

type Session = { readonly role: string; readonly expires: number };
type Answer = { readonly status: number; readonly type: string; readonly body: string };
type Authorization = Pick<RecordedCall, 'role' | 'resource' | 'verdict'> & { readonly refusal?: Answer };

const JSON_TYPE = 'application/x-amz-json-1.1';

export class AwsGate {
	readonly calls: RecordedCall[] = [];
	/** Set to fail every call from now on; undefined to work again. */
	fault: Fault | undefined;
	/** Added to each call, in milliseconds: the emulator is nearer than AWS. */
	latencyMs = 0;
	/** How long a session lasts: the shortest that AWS gives, so that a run sees the end of one. */
	readonly #sessionMs = 900_000;
	readonly #account: string;
	readonly #emulator: URL;
	readonly #registry: AccountRegistry;
	readonly #sessions = new Map<string, Session>();
	readonly #sockets = new Set<Socket>();
	readonly #server: Server;

	constructor({ emulator, account, region }: { emulator: string; account: string; region: string }) {
		this.#emulator = new URL(emulator);
		this.#account = account;
		this.#registry = new AccountRegistry({ endpoint: emulator, region });
		this.#server = createServer((incoming, response) => void this.#serve(incoming, response));
		this.#server.on('connection', socket => {
			this.#sockets.add(socket);
			socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
		});
	}

	/** Listens on all addresses, as pods come from elsewhere; returns the port. */
	async listen(): Promise<number> {
		await new Promise<void>(resolve => this.#server.listen(0, '0.0.0.0', resolve));
		return (this.#server.address() as AddressInfo).port;
	}

	async close(): Promise<void> {
		this.dropConnections();
		await new Promise(resolve => this.#server.close(resolve));
	}

	/** Ends every connection, so that clients meet the present fault or none. */
	dropConnections(): void {
		for (const socket of this.#sockets) socket.destroy();
	}

	async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
		const at = Date.now();
		let body = '';
		for await (const chunk of incoming.setEncoding('utf8')) body += chunk;
		const request = {
			method: incoming.method ?? '',
			path: incoming.url ?? '',
			headers: incoming.headers,
			body,
		};
		const call = awsCall(request);
		const record = (authorization: Authorization, status: number) => {
			const { role, resource, verdict } = authorization;
			this.calls.push({ ...call, at, role, resource, verdict, status, tookMs: Date.now() - at });
		};
		const failed: Authorization = { role: undefined, resource: undefined, verdict: 'failed' };
		if (this.fault === 'silent') return record(failed, 0);
		if (this.fault === 'closed') {
			record(failed, 0);
			return void incoming.socket.destroy();
		}
		if (typeof this.fault === 'number') {
			record(failed, this.fault);
			return send(response, {
				status: this.fault,
				type: JSON_TYPE,
				body: '{"__type":"InternalServiceError"}',
			});
		}
		try {
			if (this.latencyMs > 0) await new Promise(resolve => setTimeout(resolve, this.latencyMs));
			const authorization = await this.#authorize(request, call);
			let answer = authorization.refusal ?? (await this.#forward(request));
			if (call.action === 'AssumeRoleWithWebIdentity' && answer.status === 200)
				answer = this.#open(call, answer);
			record(authorization, answer.status);
			send(response, answer);
		} catch {
			record(failed, 503);
			send(response, { status: 503, type: JSON_TYPE, body: '{"__type":"ServiceUnavailableException"}' });
		}
	}

	async #authorize(request: AwsRequest, call: AwsCall): Promise<Authorization> {
		const { action, service, facts } = call;
		if (action === 'AssumeRoleWithWebIdentity') {
			const role = facts.RoleArn ?? '';
			const refusal = await checkWebIdentity(webIdentityToken(request), role, this.#registry, Date.now());
			if (refusal === undefined) return { role, resource: role, verdict: 'allowed' };
			const status = refusal.code === 'AccessDenied' ? 403 : 400;
			return {
				role,
				resource: role,
				verdict: 'refused',
				refusal: stsError(status, refusal.code, refusal.message),
			};
		}
		const none = { role: undefined, resource: undefined };
		if (call.accessKeyId === undefined) {
			const refusal = jsonError('MissingAuthenticationTokenException', 'Missing Authentication Token');
			return { ...none, verdict: 'unsigned', refusal };
		}
		const session = this.#sessions.get(call.accessKeyId);
		if (session === undefined) {
			const refusal = jsonError(
				'UnrecognizedClientException',
				'The security token included in the request is invalid.',
			);
			return { ...none, verdict: 'refused', refusal };
		}
		if (session.expires <= Date.now()) {
			const refusal = jsonError(
				'ExpiredTokenException',
				'The security token included in the request is expired',
			);
			return { ...none, role: session.role, verdict: 'refused', refusal };
		}
		const resource = await this.#resourceOf(call);
		// A batch is allowed by the right to its single calls.
		const right = `${service}:${service === 'sqs' ? action.replace(/Batch$/, '') : action}`;
		const verdict = evaluate(await this.#registry.permissions(session.role), { action: right, resource });
		const authorized = { role: session.role, resource, verdict };
		return verdict === 'allowed'
			? authorized
			: { ...authorized, refusal: denied(session.role, right, resource) };
	}

	async #resourceOf({ facts, region }: AwsCall): Promise<string> {
		if (facts.QueueUrl !== undefined) {
			const [account, name] = facts.QueueUrl.split('/').slice(-2);
			return `arn:aws:sqs:${region}:${account}:${name}`;
		}
		return facts.SecretId === undefined ? '*' : this.#registry.secretArn(facts.SecretId, this.#account);
	}

	#open({ facts }: AwsCall, answer: Answer): Answer {
		const expires = Date.now() + this.#sessionMs;
		const [, key = ''] = /<AccessKeyId>([^<]+)</.exec(answer.body) ?? [];
		this.#sessions.set(key, { role: facts['RoleArn'] ?? '', expires });
		const written = `<Expiration>${new Date(expires).toISOString()}</Expiration>`;
		return { ...answer, body: answer.body.replace(/<Expiration>[^<]*<\/Expiration>/, written) };
	}

	#forward({ method, path, headers, body }: AwsRequest): Promise<Answer> {
		const { hostname, port } = this.#emulator;
		return new Promise((resolve, reject) => {
			const outgoing = forward({ hostname, port, method, path, headers }, async answer => {
				const chunks: Buffer[] = [];
				for await (const chunk of answer) chunks.push(chunk as Buffer);
				const type = answer.headers['content-type'] ?? JSON_TYPE;
				resolve({ status: answer.statusCode ?? 502, type, body: Buffer.concat(chunks).toString() });
			});
			outgoing.on('error', reject).end(body);
		});
	}
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
	response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

function jsonError(name: string, message: string): Answer {
	return { status: 400, type: JSON_TYPE, body: JSON.stringify({ __type: name, Message: message }) };
}

function denied(role: string, action: string, resource: string): Answer {
	const user = role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/');
	const why = `because no identity-based policy allows the ${action} action`;
	return jsonError(
		'AccessDeniedException',
		`User: ${user}/session is not authorized to perform: ${action} on resource: ${resource} ${why}`,
	);
}

function stsError(status: number, code: string, message: string): Answer {
	const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
	const xmlns = 'https://sts.amazonaws.com/doc/2011-06-15/';
	const body = `<ErrorResponse xmlns="${xmlns}">${error}<RequestId>0</RequestId></ErrorResponse>`;
	return { status, type: 'text/xml', body };
}
