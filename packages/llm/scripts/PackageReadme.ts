/** The README of the package: the repository's, without what only a checkout has. */

/** Leaves out everything between `<!-- repository -->` and `<!-- /repository -->`, and the names of example files. */
export const packageReadme = (readme: string): string =>
  readme
    .replaceAll(/^<!-- repository -->\n.*?^<!-- \/repository -->\n\n?/gms, "")
    .replaceAll(/^<!-- examples\/\S+ -->\n\n?/gm, "")
    .trimEnd()
    .concat("\n")
