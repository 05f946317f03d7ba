/** Greets whom the end of the path names, with the words of the dependency: `/greet/Ada`. */

import hello from "acme:hello/greet@0.1.0";
import http from "wasi:http/types@0.3.0";

export const handler = {
  async handle(request) {
    const name = (request.getPathWithQuery() ?? "").split("/").pop();
    const text = new TextEncoder().encode(hello.greet(name));
    const body = (function* () {
      yield text;
    })();
    const trailers = wit.Future(wit.Future.RESULT_OPTION_TRAILERS_ERROR_CODE);
    trailers.writable.write({ tag: "ok", val: null });
    const [response] = http.Response.new(new http.Fields(), body, trailers.readable);
    return response;
  },
};
