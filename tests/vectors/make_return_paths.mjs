// Writes return-paths.json: where Node's URL, the WHATWG parser of the browsers, goes from a page of
// https://app.example.com when a `Location` says so. tests/test_return_path_vectors.py reads it.
//
//   node tests/vectors/make_return_paths.mjs

import { writeFileSync } from "node:fs";

const ORIGIN = "https://app.example.com";
const PAGE = `${ORIGIN}/callback?code=1`;
const HOST = "evil.example";

// OWASP's cheat sheet on unvalidated redirects, and what advisories on such checks have named since.
const starts = [
  "", "/", "//", "///", "////", "\\", "\\\\", "/\\", "\\/", "/\\/", "/\\\\", "//\\", "/\\/\\",
  "/\t/", "/\n/", "/\r/", "/\r\n/", "/\t\\", "\t//", " //", "\u0000//", "\u0001//", "\u001f//",
  "/ /", "/\u0000/", "/\u000b/", "/\u000c/", "/\u007f/", "/\u0085/", "/\u00a0/", "/\u2028/",
  "/\ufeff/", "\ufeff//", "/./", "/.//", "/..//", "/../", "/../..//", "/./\\", "/.\\", "/..\\",
  "/%2e//", "/%2E%2e//", "/.%2e//", "/x/..//", "/x/../..//", "/;/", "/;//", "/?//", "/#//",
  "/?\\", "/#\\", "/@", "//@", "/:", "/:80//", "/%2f", "/%2F/", "/%2f%2f", "/%5c", "/%5C/",
  "/%5c%5c", "/%252f", "/%255c", "/%09/", "/%0a/", "/%0d%0a/", "/%00/", "/%c0%af/", "/%e0%80%af/",
  "/%ef%bc%8f", "/\uff0f", "\uff0f\uff0f", "/\uff3c", "/\u2044", "/\u2215", "/\u29f8", "/\u29f5",
  "/\u3002", "/\ud800", "/\udfff/", "/\ud83d\ude00/", "/\u202e", "/\u200b/", "/\u00ad/",
  "https:", "https:/", "https://", "https:\\\\", "http:", "http://", "HtTpS:", "hTTp:/", "ftp://",
  "javascript:", "JaVaScRiPt://", "java\tscript:", "data:text/html,", "vbscript:", "blob:https://",
  "file:///", "about:", "mailto:", "/https://", "/https:", "/javascript:", "/data:", "./", "../",
  ".", "?", "#", "@", "https://app.example.com@", "https://app.example.com.", "//app.example.com@",
  "//app.example.com:443@", "https://app.example.com\\@", "//app.example.com%2f@", "//[::1]@",
  "https://app.example.com/", "//app.example.com/", "http://app.example.com/",
];
const ends = ["", HOST, `${HOST}/`, `${HOST}/..`, `${HOST}:443/a?b#c`, `user@${HOST}`,
  `${HOST}\\@app.example.com`, `${HOST}#@app.example.com`, `${HOST}?.app.example.com`,
  "\u0435vil.example", "[::1]", "2130706433"];
// Paths that have to survive as they are, or percent-encoded where they are not ASCII.
const own = [
  "/", "/a", "/a/b/?c=d&e=f#g", "/a//b", "/a?next=//evil.example", "/a?u=https://evil.example/",
  "/a;b=c,d", "/a%20b?c=%C3%A9&d=a+b", "/%", "/%zz", "/%00", "/~a/!$&'()*+,;=:@", "/[a]{b}|^`\"<>",
  "/\u00fc", "/\u00fc?\u00df#\u00e9", "/\u65e5\u672c", "/\ud83d\ude00", "/a/../b", "/./a", "/%2e%2e/a",
  "/\u2028", "/\u00a0", "/\u3000", "/?", "/#", "/a?b=\u00fc%C3%BC", "/'", "/a'b?c'd",
];

const inputs = new Set(own);
for (const start of starts) for (const end of ends) inputs.add(start + end);
for (const input of [...inputs]) inputs.add(encodeRest(input)); // as safe_return_path would

// Percent-encodes what is not ASCII, and nothing else.
function encodeRest(text) {
  return text.toWellFormed().replace(/[^\u0000-\u007f]+/g, encodeURIComponent);
}

function verdict(input) {
  try {
    const url = new URL(input, PAGE);
    return [input, url.origin, url.origin === ORIGIN ? url.href.slice(ORIGIN.length) : null];
  } catch {
    return [input, null, null]; // no URL: a browser stays where it is
  }
}

const lines = [...inputs].sort().map((input) => JSON.stringify(verdict(input)));
const head = JSON.stringify({ maker: "Node.js, new URL(path, page)", version: process.version, page: PAGE });
writeFileSync(
  new URL("return-paths.json", import.meta.url),
  `${head.slice(0, -1)},"verdicts":[\n${lines.join(",\n")}\n]}\n`,
);
