// Modules that the front end shares with its extensions.

// Import the module `name` from a share scope, `{name: {version: {get, loaded}}}`. Where there are several versions, it
// is the one that the front end uses: the one that is loaded, otherwise the newest. A second copy of CodeMirror or of a
// token would not work together with the first.
export async function importShared(scope, name) {
  const versions = scope[name];
  const version = versions && chooseVersion(versions);
  if (!version) {
    throw new Error(`drawer-ipy needs ${name}, which this front end does not share`);
  }
  const factory = await versions[version].get();
  return factory();
}

export function chooseVersion(versions) {
  return Object.keys(versions).reduce((best, other) => {
    if (best === undefined) {
      return other;
    }
    const replaces = !versions[best].loaded && (versions[other].loaded || isOlder(best, other));
    return replaces ? other : best;
  }, undefined);
}

// Whether version `a` is older than `b`, by the numbers in them; a pre-release (1.0.0-rc.1) is older than its release.
function isOlder(a, b) {
  const [left, right] = [a, b].map((version) => version.split("+")[0].split(/[.-]/).map(part));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [l, r] = [left[i] ?? 0, right[i] ?? 0];
    if (l !== r) {
      return typeof l === typeof r ? l < r : typeof l === "string";
    }
  }
  return false;
}

function part(text) {
  return /^\d+$/.test(text) ? Number(text) : text;
}
