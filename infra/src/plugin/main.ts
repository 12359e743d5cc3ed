#!/usr/bin/env node
// `pulumi-resource-jasm`: serves the components to the Pulumi engine, which starts it and passes its address.
import * as pulumi from '@pulumi/pulumi';
import { ComponentsPlugin } from './provider.ts';

await pulumi.provider.main(new ComponentsPlugin(), process.argv.slice(2));
