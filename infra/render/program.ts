// The Pulumi program behind `pnpm render`: installations described by plain configuration, side by side.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { Jasm, type JasmArgs } from '../src/jasm.ts';

const variants = new pulumi.Config('render').requireObject<Record<string, JasmArgs>>('variants');
// Never contacted: nothing but the engine that records the declarations runs here.
const cluster = new k8s.Provider('rendered', { kubeconfig: '{}' });
for (const [name, args] of Object.entries(variants)) new Jasm(name, args, { providers: [cluster] });
