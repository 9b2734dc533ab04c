// Put in by the build, from package.json: the package itself does not say.
declare const LITERT_VERSION: string;
