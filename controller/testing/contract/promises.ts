// Every promise of the contract.
import { access } from './access.ts';
import { deletes } from './deletes.ts';
import { guards } from './guard.ts';
import { pages } from './pages.ts';
import { patches } from './patches.ts';
import { reads } from './reads.ts';
import { tables } from './tables.ts';
import type { ContractPromise } from './target.ts';
import { validation } from './validation.ts';
import { watchLists } from './watch-list.ts';
import { watches } from './watches.ts';
import { workloads } from './workloads.ts';
import { writes } from './writes.ts';

export const promises: readonly ContractPromise[] = [
	...writes,
	...patches,
	...deletes,
	...reads,
	...pages,
	...watches,
	...watchLists,
	...validation,
	...access,
	...guards,
	...tables,
	...workloads,
];
