// Finds the commands that a run needs and says what is missing and where it comes from.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Command -> where a person gets it. */
const NEEDED: Readonly<Record<string, string>> = {
	minikube: 'https://minikube.sigs.k8s.io/docs/start/',
	kubectl: 'https://kubernetes.io/docs/tasks/tools/',
	pulumi: 'https://www.pulumi.com/docs/install/',
	python3: 'https://www.python.org/downloads/ (3.9 or newer, with venv)',
	vault: 'https://developer.hashicorp.com/vault/install',
	git: 'https://git-scm.com/downloads',
	npx: 'https://nodejs.org (with npm)',
	curl: 'https://curl.se/download.html',
	openssl: 'https://openssl-library.org/source/ (1.1.1 or newer)',
};

/** The path of a command on PATH; undefined if there is none. */
export function find(command: string, path = process.env['PATH'] ?? ''): string | undefined {
	return path
		.split(delimiter)
		.filter(folder => folder !== '')
		.map(folder => join(folder, command))
		.find(executable);
}

/** Paths of all commands that are needed. Throws one error that names every one that is missing. */
export function findTools(path?: string): Record<string, string> {
	const found = Object.keys(NEEDED).map(name => [name, find(name, path)] as const);
	const missing = found
		.filter(([, file]) => file === undefined)
		.map(([name]) => `  ${name}: ${NEEDED[name]}`);
	if (missing.length > 0)
		throw new Error(`the run needs commands that are not on PATH:\n${missing.join('\n')}`);
	return Object.fromEntries(found) as Record<string, string>;
}

function executable(file: string): boolean {
	try {
		accessSync(file, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
