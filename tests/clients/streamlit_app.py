"""Streamlit's own login, as its documentation shows it."""

import streamlit as st

if st.user.is_logged_in:
    st.text(st.user.email)
    st.text(st.user.name)
else:
    st.button("Log in", on_click=st.login)
