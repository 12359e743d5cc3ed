// Bundles the controller into dist/: ESM, one lazy chunk per provider and one for kubeconfig files.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { build, type Plugin } from 'esbuild';

/**
 * An import of one of Node's modules makes Node read every export of it, and reading some of node:http loads
 * undici: 10 MB and 15 ms for nothing. A module in between reads only what is used. For `import … from` it is
 * CommonJS. Of that, a dynamic `import()` would have no named exports; its module lists those that need no getter.
 */
const lazyBuiltins: Plugin = {
	name: 'lazy-builtins',
	setup({ onResolve, onLoad }) {
		onResolve({ filter: /^[a-z]/ }, ({ path, kind }) => {
			if (!isBuiltin(path) || kind === 'require-call') {
				return undefined;
			}

			return { path, namespace: kind === 'dynamic-import' ? 'dynamic-builtin' : 'builtin' };
		});
		onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
			contents: `module.exports = require(${JSON.stringify(path)});`,
		}));
		onLoad({ filter: /.*/, namespace: 'dynamic-builtin' }, ({ path }) => ({
			contents: `const builtin = require(${JSON.stringify(path)});
				export default builtin;
				export const { ${plainExports(path).join(', ')} } = builtin;`,
		}));
	},
};

/** The exports of one of Node's modules that are there without a getter. */
const plainExports = (path: string): string[] =>
	Object.entries(Object.getOwnPropertyDescriptors(createRequire(import.meta.url)(path)))
		.filter(([name, { get }]) => get === undefined && name !== 'default')
		.map(([name]) => name);

const outdir = new URL('dist/', import.meta.url).pathname;
await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });

const { metafile } = await build({
	entryPoints: { controller: new URL('src/main.ts', import.meta.url).pathname },
	outdir,
	bundle: true,
	splitting: true,
	minify: true,
	format: 'esm',
	platform: 'node',
	target: 'node24',
	chunkNames: 'chunks/[name]-[hash]',
	// CommonJS builds of the SDKs are larger and lose their named exports under a dynamic import.
	mainFields: ['module', 'main'],
	// Bundled CommonJS (pino) asks for Node's own modules by require().
	banner: {
		js: "import{createRequire as jasmRequire}from'node:module';const require=jasmRequire(import.meta.url);",
	},
	legalComments: 'none',
	plugins: [lazyBuiltins],
	metafile: true,
});

await writeFile(`${outdir}package.json`, '{ "type": "module" }\n');
await writeFile(`${outdir}metafile.json`, JSON.stringify(metafile));

const sizes = Object.entries(metafile.outputs).map(([file, { bytes }]) => ({ file, bytes }));
for (const { file, bytes } of sizes.sort((a, b) => b.bytes - a.bytes).slice(0, 6)) {
	process.stdout.write(`${(bytes / 1024).toFixed(0).padStart(6)} kB  ${file}\n`);
}
