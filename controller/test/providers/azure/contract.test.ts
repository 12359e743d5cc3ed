// Azure Key Vault keeps every provider's promises.
import { testProvider } from '../shared/contract.ts';
import { AZURE } from './product.ts';

testProvider(AZURE);
