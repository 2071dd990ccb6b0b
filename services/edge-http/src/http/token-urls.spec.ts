import { expect, it } from "vitest";
import { downloadUrl, uploadUrl } from "./token-urls.js";

it("makes URLs of tokens", () => {
  expect(uploadUrl("http://a", "t")).toBe("http://a/uploads/t");
  expect(downloadUrl("http://a", "n s", 7, "t")).toBe("http://a/json/v1/n%20s/data/reading/7?token=t");
});
