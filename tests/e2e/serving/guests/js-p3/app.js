/** Greets whom the end of the path names, with the words of the dependency: `/greet/Ada`. */

import hello from "acme:hello/greet@0.1.0";
import http from "wasi:http/types@0.3.0";

export const handler = {
  async handle(request) {
    const name = (request.getPathWithQuery() ?? "").split("/").pop();
    // The engine has no TextEncoder.
    const octets = unescape(encodeURIComponent(hello.greet(name)));
    const text = Uint8Array.from(octets, (octet) => octet.charCodeAt(0));
    const body = (function* () {
      yield text;
    })();
    // So it calls a result of optional trailers.
    const trailers = wit.Future(wit.Future.RESULT_OPTION_OTHER_ERROR_CODE);
    trailers.writable.write({ tag: "ok", val: null });
    const [response] = http.Response.new(new http.Fields(), body, trailers.readable);
    return response;
  },
};
