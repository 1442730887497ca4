// The suite as a page: the world comes from the server of the page, and the results go back there.

import { smoke } from './smoke.mjs';

const world = await (await fetch('/world.json')).json();
await fetch('/results', { method: 'POST', body: JSON.stringify(await smoke(world)) });
