/**
 * THE order of the layers; first = outermost = first to see the request.
 *
 * @module
 */
import type { Layer, Send } from './exchange.ts';

/** The stack, from the caller to the wire. */
export function layers(each: {
  callLog: Layer;
  perCall: readonly Layer[];
  status: Layer;
  retry: Layer;
  auth: Layer;
  perAttempt: readonly Layer[];
  attemptLog: Layer;
}): Layer[] {
  return [
    each.callLog, // sees the call as its caller does, errors too
    ...each.perCall, // the user's own: once per call, outside of all retries
    each.status, // the only one that throws; below it an outcome is a value
    each.retry, // outside auth, so that there is one retry budget and a refresh cannot double it
    each.auth, // each attempt gets the token of its moment
    ...each.perAttempt, // the user's own: once per attempt, with the token in place
    each.attemptLog, // sees what goes over the wire
  ];
}

/** How to send through the layers. */
export function stack(layers: readonly Layer[], send: Send): Send {
  return layers.reduceRight((inner, layer) => layer(inner), send);
}
