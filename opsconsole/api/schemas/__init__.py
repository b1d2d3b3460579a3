"""What the API takes and gives, as types. The OpenAPI document is made from them."""
