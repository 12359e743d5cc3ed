// The Pulumi program: configuration, then guards, then the stack.
import * as pulumi from '@pulumi/pulumi';
import { loadConfig } from './src/config.ts';
import { run } from './src/guard.ts';
import { preflight } from './src/preflight.ts';
import { declareJasm } from './src/stack.ts';

const config = loadConfig(new pulumi.Config('jasm'), pulumi.getStack());
const say = (message: string) => void pulumi.log.info(message);
const facts = await preflight(config, { run, environment: process.env, say });

export const { namespace, image, roleArn, tryIt } = declareJasm(config, facts);
