// The suite as a program: the world as the first argument, the results as one line on stdout. It ends by itself, or something
// was left open.

import process from 'node:process';
import { nodeFetch } from '@admin-api/sdk/node';
import { smoke } from './smoke.mjs';

console.log(JSON.stringify(await smoke({ ...JSON.parse(process.argv[2]), nodeFetch })));
