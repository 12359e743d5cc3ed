// The Pulumi program: configuration, then guards, then the stack.
import * as pulumi from '@pulumi/pulumi';
import { loadConfig } from './src/config/config.ts';
import { run } from './src/preflight/local-commands.ts';
import { preflight } from './src/preflight/preflight.ts';
import { declareJasm } from './src/stack.ts';

const prefix = 'jasm:';
// The SDK has it, but its declarations leave it out.
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };
const keys = Object.entries(pulumi.runtime.allConfig())
	.filter(([key]) => key.startsWith(prefix))
	.map(([key, value]) => ({ name: key.slice(prefix.length), value, secret: isConfigSecret(key) }));
const config = loadConfig(
	Object.fromEntries(keys.map(({ name, value }) => [name, value])),
	pulumi.getStack(),
	new Set(keys.filter(({ secret }) => secret).map(({ name }) => name)),
);
const say = (message: string) => void pulumi.log.info(message);
const preview = pulumi.runtime.isDryRun();
const facts = await preflight(config, { run, environment: process.env, preview, say });

export const { namespace, image, roleArn, tryIt } = declareJasm(config, facts);
