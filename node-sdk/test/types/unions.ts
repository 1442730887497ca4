/** Open unions: the known variants narrow by their tag, whatever a server of tomorrow adds. Checked by tsc only. */
import type { ArchiveSource, PluginSource, RegistrySource } from '@admin-api/sdk';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(..._: Equal<A, B> extends true ? [] : [never]): void;

export function narrowed(source: PluginSource): string {
  switch (source.type) {
    case 'registry':
      same<typeof source, RegistrySource>();
      return source.package;
    case 'archive':
      same<typeof source, ArchiveSource>();
      return source.url;
    default:
      // @ts-expect-error nothing is known of the members of what is not known
      return source.package;
  }
}
