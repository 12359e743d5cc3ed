// Starts the AWS provider stub as a process: `node main.ts ENDPOINT` prints the port to attach to.
import { AwsProvider } from './provider.ts';
import { serve } from './server.ts';

const [endpoint] = process.argv.slice(2);
if (endpoint === undefined) throw new Error('usage: node main.ts ENDPOINT');
process.stdout.write(`${await serve(new AwsProvider({ endpoint }))}\n`);
