/**
 * age v1 encryption of objects (FILE): recipients and identities carry the cipher, so nothing else needs it.
 *
 * What age gives: only the holders of the identities can read an object, and any change to it is noticed. What it does not
 * give: proof of who wrote it, and protection from a swap of one object for another; `expectSha256` on download is for that.
 *
 * Needs the optional peer `age-encryption`.
 *
 * @module
 */
import * as age from 'age-encryption';
import { ConfigurationError, IntegrityError, NoMatchingKeyError } from './errors.ts';

/** Somebody who can read what is encrypted: the public half of an identity. */
export class Recipient {
  /** `age1…` */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }

  /** Encrypts a stream to all the recipients. */
  encrypt(source: ReadableStream<Uint8Array>, recipients: readonly Recipient[]): Promise<ReadableStream<Uint8Array>> {
    const encrypter = new age.Encrypter();
    for (const { text } of recipients) encrypter.addRecipient(text);
    return encrypter.encrypt(source as ReadableStream<Uint8Array<ArrayBuffer>>);
  }
}

/** A secret key; shows itself only when asked to. */
export class Identity {
  readonly #secret: string;
  /** The public half, to encrypt to. */
  readonly recipient: Recipient;

  constructor(secret: string, recipient: Recipient) {
    this.#secret = secret;
    this.recipient = recipient;
  }

  /** `AGE-SECRET-KEY-1…`, to be kept safe. */
  reveal(): string {
    return this.#secret;
  }

  toString(): string {
    return `Identity(REDACTED, recipient=${this.recipient.text})`;
  }

  toJSON(): string {
    return 'REDACTED';
  }

  /** Decrypts a stream with whichever of the identities fits. Bytes come before the end is known: use them only afterwards. */
  async decrypt(source: ReadableStream<Uint8Array>, identities: readonly Identity[]): Promise<ReadableStream<Uint8Array>> {
    const decrypter = new age.Decrypter();
    for (const each of identities) decrypter.addIdentity(each.reveal());
    try {
      return guarded(await decrypter.decrypt(source as ReadableStream<Uint8Array<ArrayBuffer>>));
    } catch (error) {
      throw mapped(error);
    }
  }
}

/** The same stream whose errors are ours. */
function guarded(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const next = await reader.read();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      } catch (error) {
        controller.error(mapped(error));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** age throws bare errors, told apart by their text alone. */
function mapped(error: unknown): unknown {
  if (error instanceof Error && error.message.includes('no identity matched')) {
    return new NoMatchingKeyError('The object is not encrypted to any of these identities.', { outcome: 'committed' });
  }
  return new IntegrityError('The object was changed since it was encrypted, or is no age file.', { outcome: 'committed' });
}

/**
 * A recipient from its text, `age1…` (X25519).
 *
 * @throws ConfigurationError if it is none.
 */
export function recipient(text: string): Recipient {
  try {
    if (!/^age1[02-9ac-hj-np-z]{58}$/.test(text)) throw new Error('not X25519');
    new age.Encrypter().addRecipient(text);
  } catch {
    // an identity may have been given by mistake, so it is not shown (AUTH-9)
    throw new ConfigurationError('That is no age recipient, age1….', { code: 'invalid_recipient' });
  }
  return new Recipient(text);
}

/**
 * An identity from its secret, `AGE-SECRET-KEY-1…` (X25519).
 *
 * @throws ConfigurationError if it is none; the message does not show it.
 */
export async function identity(secret: string): Promise<Identity> {
  try {
    if (!secret.startsWith('AGE-SECRET-KEY-1')) throw new Error('not X25519');
    return new Identity(secret, new Recipient(await age.identityToRecipient(secret)));
  } catch {
    throw new ConfigurationError('That is no age identity.', { code: 'invalid_identity' });
  }
}

/** A new identity; keep `reveal()` safe and give `recipient` away. */
export async function generateIdentity(): Promise<Identity> {
  return identity(await age.generateX25519Identity());
}
