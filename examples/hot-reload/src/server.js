const http = require("http");
const { greeting } = require("./greeting.js");

http.createServer((request, response) => response.end(`${greeting}\n`)).listen(3000, () => console.log("listens on 3000"));
