const http = require("http");
http.get("http://127.0.0.1:8080/health", (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on("error", () => process.exit(1));
