// The part of STS that web identity needs, in its XML: AssumeRoleWithWebIdentity and GetCallerIdentity.
import { randomBytes } from 'node:crypto';
import { AwsFault } from './fault.ts';

/** What the trust policy of every role demands of a token; what is left out is not checked. */
export type WebIdentityTrust = {
	readonly issuer?: string;
	/** Default: sts.amazonaws.com. */
	readonly audience?: string;
	/** For instance system:serviceaccount:jasm:jasm. */
	readonly subjects?: readonly string[];
	/** ARNs of the roles that exist. */
	readonly roles?: readonly string[];
	/** Checks the signature, for tests that have the issuer's keys. */
	readonly verify?: (token: string) => boolean;
};

export type StsOptions = {
	readonly accountId: string;
	readonly trust?: WebIdentityTrust | undefined;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
};

type Session = { readonly principal: string; expiresAt: number };

type Claims = {
	readonly iss?: string;
	readonly sub?: string;
	readonly aud?: string | readonly string[];
	readonly exp?: number;
};

export class Sts {
	readonly #options: StsOptions;
	readonly #sessions = new Map<string, Session>();

	constructor(options: StsOptions) {
		this.#options = options;
	}

	/** Ends every session now, as AWS does when its time is over. */
	expireSessions(): void {
		for (const session of this.#sessions.values()) {
			session.expiresAt = this.#options.now();
		}
	}

	/** The signer: keys that STS gave out must be known and alive, all others belong to one user. */
	principalOf(accessKeyId: string | undefined): string {
		if (accessKeyId === undefined) {
			throw new AwsFault('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
		}

		if (!accessKeyId.startsWith('ASIA')) {
			return `arn:aws:iam::${this.#options.accountId}:user/static`;
		}

		const session = this.#sessions.get(accessKeyId);
		if (session === undefined) {
			throw new AwsFault(
				'UnrecognizedClientException',
				'The security token included in the request is invalid.',
			);
		}

		if (session.expiresAt <= this.#options.now()) {
			throw new AwsFault('ExpiredTokenException', 'The security token included in the request is expired');
		}

		return session.principal;
	}

	/** The XML that answers one form-encoded request. */
	answer(form: URLSearchParams, accessKeyId: string | undefined): string {
		switch (form.get('Action')) {
			case 'AssumeRoleWithWebIdentity':
				return this.#assumeRole(form);
			case 'GetCallerIdentity':
				return this.#callerIdentity(accessKeyId);
			default:
				throw new AwsFault('InvalidAction', 'The action is not valid for this web service.');
		}
	}

	#assumeRole(form: URLSearchParams): string {
		const { accountId, now } = this.#options;
		const roleArn = form.get('RoleArn') ?? '';
		const sessionName = form.get('RoleSessionName') ?? '';
		const claims = this.#claimsOf(form.get('WebIdentityToken') ?? '');
		this.#checkTrust(claims, roleArn);
		const accessKeyId = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`;
		const principal = `arn:aws:sts::${accountId}:assumed-role/${roleArn.split('/').at(-1)}/${sessionName}`;
		const expiresAt = now() + Number(form.get('DurationSeconds') ?? 3_600) * 1_000;
		this.#sessions.set(accessKeyId, { principal, expiresAt });
		return result('AssumeRoleWithWebIdentity', {
			Credentials: {
				AccessKeyId: accessKeyId,
				SecretAccessKey: randomBytes(20).toString('hex'),
				SessionToken: randomBytes(40).toString('hex'),
				Expiration: new Date(expiresAt).toISOString(),
			},
			SubjectFromWebIdentityToken: claims.sub ?? '',
			AssumedRoleUser: { AssumedRoleId: `AROA:${sessionName}`, Arn: principal },
			Provider: claims.iss ?? '',
		});
	}

	#callerIdentity(accessKeyId: string | undefined): string {
		const principal = this.principalOf(accessKeyId);
		return result('GetCallerIdentity', { Arn: principal, UserId: 'AIDA', Account: this.#options.accountId });
	}

	#claimsOf(token: string): Claims {
		try {
			const [, payload = ''] = token.split('.');
			const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
			if (this.#options.trust?.verify?.(token) ?? true) {
				return claims;
			}
		} catch {
			// The same refusal as for a bad signature.
		}

		throw new AwsFault('InvalidIdentityToken', 'The ID Token provided is not a valid JWT.');
	}

	#checkTrust({ iss, sub, aud, exp }: Claims, roleArn: string): void {
		const { trust, now } = this.#options;
		const { issuer, audience = 'sts.amazonaws.com', subjects, roles } = trust ?? {};
		if (exp !== undefined && exp * 1_000 <= now()) {
			throw new AwsFault('ExpiredTokenException', 'Token expired: current date/time must be before it');
		}

		if (issuer !== undefined && iss !== issuer) {
			throw new AwsFault(
				'InvalidIdentityToken',
				'No OpenIDConnect provider found in your account for the issuer',
			);
		}

		if (trust !== undefined && !([] as unknown[]).concat(aud).includes(audience)) {
			throw new AwsFault('InvalidIdentityToken', 'Incorrect token audience');
		}

		if (!(subjects?.includes(sub ?? '') ?? true) || !(roles?.includes(roleArn) ?? true)) {
			throw new AwsFault('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity', 403);
		}
	}
}

type Tree = { readonly [name: string]: string | Tree };

const XMLNS = 'https://sts.amazonaws.com/doc/2011-06-15/';

const result = (action: string, content: Tree) =>
	`<${action}Response xmlns="${XMLNS}"><${action}Result>${xml(content)}</${action}Result>` +
	`<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></${action}Response>`;

export const errorXml = ({ type, message, status }: AwsFault, requestId: string) =>
	`<ErrorResponse xmlns="${XMLNS}">${xml({
		Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: type, Message: message },
		RequestId: requestId,
	})}</ErrorResponse>`;

const xml = (tree: Tree): string =>
	Object.entries(tree)
		.map(([name, value]) => `<${name}>${typeof value === 'string' ? escaped(value) : xml(value)}</${name}>`)
		.join('');

const escaped = (text: string) => text.replace(/[<>&]/g, character => `&#${character.charCodeAt(0)};`);
