// The environment variables that the controller reads, and the fields of providers that they fill.
import type * as z from 'zod/mini';
import type { Environment } from '../providers/provider.ts';
import { KINDS } from '../providers/registry.ts';
import { PROXY_VARIABLES } from '../providers/shared/proxy.ts';
import { absences } from '../providers/shared/schema-fields.ts';
import { type Fields, fieldOf, formOf, isFlag } from './schema-walk.ts';

/** Every environment variable that is read, with what it is for. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
	POD_NAME: 'identity in the Lease and in Events',
	POD_NAMESPACE: "JASM's own namespace, without `--namespace`",
	KUBECONFIG: 'how to reach the API server, without `--kubeconfig`',
	KUBERNETES_SERVICE_HOST: 'the API server, in a cluster',
	KUBERNETES_SERVICE_PORT: 'the API server, in a cluster',
	...PROXY_VARIABLES,
	NODE_EXTRA_CA_CERTS: 'PEM file with further authorities, for providers without `caFile`; read by Node',
	...Object.assign({}, ...KINDS.map(({ environment }) => environment)),
};

/** The environment variables that fill fields of one provider, by field. */
export function variablesOf(
	schema: z.core.$ZodType,
	written: Fields,
	env: Environment,
): Readonly<Record<string, string>> {
	const fields = Object.entries(formOf(schema, written)?._zod.def.shape ?? {});
	return Object.fromEntries(
		fields.flatMap(([name, field]) => {
			const variable = absences.get(field)?.variables?.find(each => env[each]);
			return written[name] === undefined && variable !== undefined ? [[name, variable]] : [];
		}),
	);
}

/** What is written for one provider, with the fields that it leaves to the environment. */
export function withEnvironment(schema: z.core.$ZodType, written: Fields, env: Environment): Fields {
	const form = formOf(schema, written);
	const variables = Object.entries(variablesOf(schema, written, env));
	const filled = variables.map(([name, variable]) => [name, typed(fieldOf(form, name), env[variable])]);
	return { ...written, ...Object.fromEntries(filled) };
}

/** Variables hold text; a flag is true or false. */
function typed(field: z.core.$ZodType | undefined, text: string | undefined): unknown {
	const isBoolean = field !== undefined && isFlag(field) && /^(true|false)$/i.test(text ?? '');
	return isBoolean ? text?.toLowerCase() === 'true' : text;
}
