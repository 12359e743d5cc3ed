// Removes a folder, so that a build leaves no file of an earlier one.
import { rmSync } from 'node:fs';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node remove.mjs FOLDER');
rmSync(folder, { recursive: true, force: true });
