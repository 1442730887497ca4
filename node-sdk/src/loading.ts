/**
 * Rooms that are loaded when they are first needed, so that a web page carries only what it uses.
 *
 * @module
 */
import { APIConnectionError } from './errors.ts';

/**
 * The room, once it is there.
 *
 * @throws APIConnectionError `module_not_loaded`, if it cannot be fetched: nothing was sent.
 */
export function loaded<Room>(room: Promise<Room>): Promise<Room> {
  return room.catch(() => {
    throw new APIConnectionError('A chunk of the SDK was not served.', { code: 'module_not_loaded', retryable: true });
  });
}
