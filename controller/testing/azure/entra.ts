// The token endpoint of the embedded Entra: federated identities and client secrets, refusals as AADSTS codes.
import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { jsonAnswer, type WireAnswer } from '../shared/faulty-server.ts';

/** What the federated credential of the application demands of a token; what is left out is not checked. */
export type FederationTrust = {
	readonly issuer?: string;
	/** Default: api://AzureADTokenExchange. */
	readonly audience?: string;
	/** For instance system:serviceaccount:jasm:jasm. */
	readonly subjects?: readonly string[];
	/** Checks the signature, for tests that have the issuer's keys. */
	readonly verify?: (token: string) => boolean;
};

export type EntraOptions = {
	readonly tenantId: string;
	readonly clientId: string;
	readonly clientSecret: string;
	readonly trust: FederationTrust;
	/** Seconds. */
	readonly tokenLifetime: number;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
};

type Issued = { readonly resource: string; expiresAt: number };

class EntraFault extends Error {
	readonly status: number;
	readonly error: string;
	readonly aadsts: number;

	constructor(status: number, error: string, aadsts: number, message: string) {
		super(`AADSTS${aadsts}: ${message}`);
		this.status = status;
		this.error = error;
		this.aadsts = aadsts;
	}
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export class Entra {
	readonly #options: EntraOptions;
	readonly #issued = new Map<string, Issued>();

	constructor(options: EntraOptions) {
		this.#options = options;
	}

	/** Whether this token is in force for a resource. */
	accepts(token: string, resource: string): boolean {
		const issued = this.#issued.get(token);
		return issued !== undefined && issued.resource === resource && issued.expiresAt > this.#options.now();
	}

	expireTokens(): void {
		for (const issued of this.#issued.values()) {
			issued.expiresAt = this.#options.now();
		}
	}

	/** `POST /TENANT/oauth2/v2.0/token`. */
	answer(tenant: string, form: URLSearchParams): WireAnswer {
		try {
			return jsonAnswer(200, this.#issue(tenant, form));
		} catch (error) {
			if (error instanceof EntraFault) {
				return jsonAnswer(error.status, {
					error: error.error,
					error_description: `${error.message} Trace ID: ${randomUUID()}`,
					error_codes: [error.aadsts],
					timestamp: new Date(this.#options.now()).toISOString(),
					trace_id: randomUUID(),
					correlation_id: randomUUID(),
				});
			}

			throw error;
		}
	}

	#issue(tenant: string, form: URLSearchParams): object {
		const { tenantId, clientId, tokenLifetime, now } = this.#options;
		if (tenant !== tenantId) {
			throw new EntraFault(400, 'invalid_request', 90002, `Tenant '${tenant}' not found.`);
		}

		if (form.get('client_id') !== clientId) {
			throw new EntraFault(
				400,
				'unauthorized_client',
				700016,
				`Application with identifier '${form.get('client_id')}' was not found in the directory.`,
			);
		}

		if (form.get('grant_type') !== 'client_credentials') {
			throw new EntraFault(
				400,
				'unsupported_grant_type',
				70003,
				'The app requested an unsupported grant type.',
			);
		}

		this.#authenticate(form);
		const scope = form.get('scope') ?? '';
		if (!scope.endsWith('/.default')) {
			throw new EntraFault(
				400,
				'invalid_scope',
				1002012,
				`The provided value for scope ${scope} is not valid.`,
			);
		}

		const token = `eyJ0eXAiOiJKV1QifQ.${randomBytes(48).toString('base64url')}.${randomBytes(24).toString('base64url')}`;
		const resource = scope.slice(0, -'/.default'.length);
		this.#issued.set(token, { resource, expiresAt: now() + tokenLifetime * 1_000 });
		return {
			token_type: 'Bearer',
			expires_in: tokenLifetime,
			ext_expires_in: tokenLifetime,
			access_token: token,
		};
	}

	#authenticate(form: URLSearchParams): void {
		const assertion = form.get('client_assertion');
		if (assertion !== null && form.get('client_assertion_type') === ASSERTION_TYPE) {
			this.#federate(assertion);
			return;
		}

		const given = Buffer.from(form.get('client_secret') ?? '');
		const expected = Buffer.from(this.#options.clientSecret);
		if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
			throw new EntraFault(401, 'invalid_client', 7000215, 'Invalid client secret provided.');
		}
	}

	#federate(assertion: string): void {
		const { trust, now } = this.#options;
		const { issuer, audience = 'api://AzureADTokenExchange', subjects, verify } = trust;
		const { iss, sub, aud, exp } = claimsOf(assertion);
		const none = (what: string) =>
			`No matching federated identity record found for presented assertion ${what}.`;
		if (!(verify?.(assertion) ?? true)) {
			throw new EntraFault(401, 'invalid_client', 5000811, 'Unable to verify token signature.');
		}

		if (Number(exp) * 1_000 <= now()) {
			throw new EntraFault(
				401,
				'invalid_client',
				700024,
				'Client assertion is not within its valid time range.',
			);
		}

		if (issuer !== undefined && iss !== issuer) {
			throw new EntraFault(401, 'invalid_client', 700211, none(`issuer '${iss}'`));
		}

		if (![aud].flat().includes(audience)) {
			throw new EntraFault(401, 'invalid_client', 700212, none(`audience '${aud}'`));
		}

		if (!(subjects?.includes(String(sub)) ?? true)) {
			throw new EntraFault(401, 'invalid_client', 700213, none(`subject '${sub}'`));
		}
	}
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
	try {
		return Object(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
	} catch {
		throw new EntraFault(401, 'invalid_client', 50027, 'JWT token is invalid or malformed.');
	}
}
