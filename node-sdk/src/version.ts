/** The version of the SDK. */
export const VERSION = '1.0.0';
