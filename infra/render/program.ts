// The Pulumi program behind `pnpm render`: one installation, described by plain configuration.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { Jasm, type JasmArgs } from '../src/jasm.ts';

const args = new pulumi.Config('render').requireObject<JasmArgs>('args');
// Never contacted: nothing but the engine that records the declarations runs here.
const cluster = new k8s.Provider('rendered', { kubeconfig: '{}' });
new Jasm('jasm', args, { providers: [cluster] });
