// Faults of a provider whose fields depend on its credentials: only those of its own kind, each with its reason.
import test from 'ava';
import { faultsOf } from '../helpers/provider-config.ts';

const AWS = { kind: 'aws-secretsmanager', region: 'eu-west-1' };
const VAULT = { kind: 'vault', address: 'https://vault.example:8200' };
const GUID = '11111111-2222-4333-8444-555555555555';
const AZURE = { kind: 'azure-keyvault', tenantId: GUID, clientId: GUID };

test('unknown credentials do not hide the other faults, and no field is judged by credentials that may be wrong', t => {
	t.deepEqual(
		faultsOf({
			...VAULT,
			address: 'vault',
			credentials: 'kuberentes',
			mount: '/x',
			roleId: 'r',
			colour: 'red',
		}),
		[
			'providers.p.credentials: "kuberentes" is not allowed, did you mean "kubernetes"?',
			'providers.p.address: "vault" is not an http or https URL',
			'providers.p.mount: "/x" is not the path of a mount of its own (without slashes at its ends)',
			'providers.p.colour: unknown field, known are kind, address, mount, kvVersion, namespace, caFile, ' +
				'proxy, proxyCredentialsFile, redirectHosts, allowInsecure, timeoutMs, concurrency, readsPerSecond, credentials, authMount, ' +
				'authNamespace, role, tokenFile, audience, roleId, secretIdFile',
		],
	);
});

test('an unknown field is compared with the fields of its own kind only', t => {
	const [fault = ''] = faultsOf({ ...AWS, credentials: 'container', vaultUrl: 'x' });
	t.regex(fault, /^providers\.p\.vaultUrl: unknown field, known are kind, region, /);
	t.notRegex(fault, /vaultUrl.*vaultUrl|tenantId|address/);
});

test('a field of other credentials says which', t => {
	t.deepEqual(faultsOf({ ...VAULT, credentials: 'token', tokenFile: '/t', audience: 'x', roleId: 'r' }), [
		'providers.p.audience: has an effect only with credentials kubernetes, jwt',
		'providers.p.roleId: has an effect only with credentials approle',
	]);
});

test('a field that these credentials need says so, and one that all need does not', t => {
	t.deepEqual(faultsOf({ kind: 'vault' }), [
		'providers.p.address: is required',
		'providers.p.role: is required with credentials kubernetes',
	]);
});

test('a misspelt field is one fault and not two', t => {
	t.deepEqual(faultsOf({ kind: 'vault', adress: 'https://v', role: 'jasm' }), [
		'providers.p.adress: unknown field, did you mean "address"?',
	]);
	t.deepEqual(
		faultsOf({ ...AZURE, vaultUrl: 'https://team1.vault.local.azurestack.external', authorityhost: 'x' }),
		['providers.p.authorityhost: unknown field, did you mean "authorityHost"?'],
	);
});

test('a rule about two fields is not judged where one of them is wrong already', t => {
	for (const vaultUrl of ['http://team1.vault.azure.net', 'https://x', 7, undefined]) {
		t.is(faultsOf({ ...AZURE, vaultUrl }).length, 1, String(vaultUrl));
	}

	t.is(faultsOf({ ...VAULT, role: 'jasm', address: 'http://v', allowInsecure: 'yes' }).length, 1);
});

test('an unknown field does not hide a rule about two fields', t => {
	t.deepEqual(faultsOf({ ...VAULT, role: 'jasm', address: 'http://vault', colour: 'red' }).length, 2);
});

test('no fault is found in what an unknown kind has', t => {
	t.deepEqual(faultsOf({ kind: 'gcp-secretmanager', project: 'x', timeoutMs: 'y' }), [
		'providers.p.kind: "gcp-secretmanager" is not allowed, allowed are aws-secretsmanager, vault, azure-keyvault',
	]);
});

test('no value reaches a fault in full, and none beyond ASCII', t => {
	const [fault = ''] = faultsOf({ ...AWS, credentials: `\u001b[2J${'x'.repeat(10_000)}` });
	t.true(fault.length < 300);
	t.notRegex(fault, /[\p{Cc}]/u);
});
