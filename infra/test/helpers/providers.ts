// Options for components in tests: explicit Pulumi providers, made inside the program that runs.
import * as aws from '@pulumi/aws';
import * as k8s from '@pulumi/kubernetes';

export const inCluster = () => ({ providers: [new k8s.Provider('cluster', { kubeconfig: '{}' })] });
export const inAccount = () => ({ providers: [new aws.Provider('account', { region: 'eu-west-1' })] });
